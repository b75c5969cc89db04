"""Campaigns that left this host: by Postfix's log where the list software keeps no account of them."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from email.header import decode_header, make_header
from pathlib import Path

LOG = Path("/var/log/postfix.log")

_LINE = re.compile(r"^(\w{3} [ \d]\d [\d:]{8}) \S+ postfix/(?:cleanup|qmgr)\[\d+\]: (\w+): (.*)$")
_SUBJECT = re.compile(r"info: header Subject: (.*) from \S+; from=<")
_MARK = re.compile(r"(?:info|hold): header List-Unsubscribe-Post:")
_SENDER = re.compile(r"from=<[^>]*?\.([a-z0-9_-]+)\.[0-9a-f]{8}(?:\+[^>]*)?@[^>]*>, size=\d+, nrcpt=(\d+)")


@dataclass(frozen=True)
class Campaign:
    """One newsletter. started: seconds since 1970.

    list: its name; path: the word for it in return paths; recipients: those who were written to so far;
    unsubscribed: how many left between it and the next one.
    """

    id: str
    list: str
    path: str
    subject: str
    started: float
    recipients: int
    unsubscribed: int = 0


@dataclass
class _Message:
    """What the log says of one message in Postfix's queue."""

    at: float
    identity: str = ""
    subject: str = ""
    bulk: bool = False
    path: str = ""
    recipients: int = 0


def logged(lines: Iterable[str], now: float) -> list[Campaign]:
    """The campaigns in lines of the log, oldest first: messages of one identity with a one-click header."""
    messages: dict[str, _Message] = {}
    for line in lines:
        if found := _LINE.match(line):
            at, queue_id, text = found.groups()
            message = messages.get(queue_id) or messages.setdefault(queue_id, _Message(_moment(at, now)))
            _note(message, text)
    campaigns: dict[str, Campaign] = {}
    for message in messages.values():
        if not (message.bulk and message.identity and message.path):
            continue
        there = campaigns.get(message.identity)
        count = message.recipients + (there.recipients if there else 0)
        first = there or Campaign(
            message.identity, message.path, message.path, message.subject, message.at, 0
        )
        campaigns[message.identity] = replace(first, recipients=count)
    return sorted(campaigns.values(), key=lambda each: each.started)


def with_departures(campaigns: Sequence[Campaign], left: Iterable[tuple[str, float]]) -> list[Campaign]:
    """The campaigns with how many left after each; left: a list's name, or "" for all of them, and when."""
    counts = dict.fromkeys((each.id for each in campaigns), 0)
    for name, at in left:
        before = [each for each in campaigns if each.started <= at and name in ("", each.list)]
        if before:
            counts[max(before, key=lambda each: each.started).id] += 1
    return [replace(each, unsubscribed=counts[each.id]) for each in campaigns]


def log_lines(log: Path = LOG) -> Iterator[str]:
    """Every line that is kept, the oldest first; of the latest the files that were rotated come before."""
    rotated = sorted(log.parent.glob(f"{log.name}.*"), key=_age, reverse=True)
    for file in (*rotated, log):
        if file.exists():
            opened = gzip.open if file.suffix == ".gz" else open
            with opened(file, "rt", errors="replace") as lines:
                yield from lines


def _age(file: Path) -> int:
    # postfix.log.1, postfix.log.2.gz: the larger, the older.
    return next((int(part) for part in file.name.split(".") if part.isdigit()), 0)


def _note(message: _Message, text: str) -> None:
    if text.startswith("message-id="):
        message.identity = text.removeprefix("message-id=").strip("<>")
    elif _MARK.match(text):
        message.bulk = True
    elif found := _SUBJECT.match(text):
        message.subject = _decoded(found.group(1))
    elif found := _SENDER.match(text):
        message.path, message.recipients = found.group(1), int(found.group(2))


def _decoded(subject: str) -> str:
    # Postfix writes a question mark for the line's end between two encoded words (RFC 2047).
    try:
        return str(make_header(decode_header(re.sub(r"\?=\? =\?", "?= =?", subject))))
    except (LookupError, UnicodeError, ValueError):
        return subject


def _moment(text: str, now: float) -> float:
    """Seconds since 1970 of a date in the log, which says no year: it is never in the future."""
    year = time.localtime(now).tm_year
    at = time.mktime(time.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S"))
    return at if at <= now + 86_400 else time.mktime(time.strptime(f"{year - 1} {text}", "%Y %b %d %H:%M:%S"))
