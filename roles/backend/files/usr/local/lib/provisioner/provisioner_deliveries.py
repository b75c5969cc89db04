"""What Postfix's log tells of customers' mail: recipients of whose mail were taken, and what became of them.

Run as `provisioner_deliveries.py SINCE [LOG]`, seconds since 1970 and the newest log file. Prints JSON:
{"logins": {login: {"quarters": {start: [taken, delivered, failed, repeated]}, "senders": {return path:
messages}, "bounced": {recipient: [RFC 3463 code, what the server said, seconds since 1970]}}}}, the latest of
each. Quarters of an hour, because every time zone's days begin with one. A recipient counts in the quarter in
which its message was taken, whenever it is delivered. Lines as Postfix 3.10 writes them, with long queue ids.

Frontends count each RCPT command. A recipient that is named twice in a message gets it once: cleanup drops it
before the queue manager counts. smtpd's last line has how many it took, and what is more is told as repeated.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LOG = Path("/var/log/mail.log")
ACCOUNT = b"info: header X-Provisioner-Account: "
QUARTER = 900
"""Seconds."""

SENDERS = 50
"""Return paths that are told for a login, the busiest ones; more are VERP, or one a message."""

SAID = 500
"""Bytes that are told of what a server said."""

KEPT = 1000
"""Return paths that are remembered for a login while the log is read."""

_FINAL = {b"sent": 1, b"bounced": 2, b"expired": 2}
"""Delivery status → where it counts. The last attempt is bounced, or expired after too long in the queue."""


@dataclass
class Login:
    """One login's mail: [taken, delivered, failed, repeated] by quarter, messages by return path, bounces."""

    quarters: dict[int, list[int]] = field(default_factory=dict)
    senders: Counter[bytes] = field(default_factory=Counter)
    bounced: dict[bytes, tuple[bytes, bytes, float]] = field(default_factory=dict)


@dataclass
class Session:
    """A connection that a message comes over. recipients: RCPT commands less those that are queued."""

    recipients: int = 0
    ended: bool = False
    counts: list[int] | None = None

    def settle(self) -> None:
        """Count what was repeated, once both are known: what smtpd took, and what the queue manager has."""
        if self.ended and self.counts is not None:
            self.counts[3] += max(0, self.recipients)


@dataclass
class Ledger:
    """Collects lines of the log, oldest first."""

    since: float
    now: float
    logins: dict[bytes, Login] = field(default_factory=dict)
    _owners: dict[bytes, bytes] = field(default_factory=dict)
    _counts: dict[bytes, list[int]] = field(default_factory=dict)
    _sessions: dict[bytes, Session] = field(default_factory=dict)
    _messages: dict[bytes, Session] = field(default_factory=dict)
    _minute: bytes = b""
    _time: float = 0.0

    def line(self, line: bytes) -> None:
        """Take one line: `Mon dd hh:mm:ss host service[pid]: queue id: text`."""
        start = line.find(b"]: ")
        middle = line.find(b": ", start + 3)
        queue_id, text = line[start + 3 : middle], line[middle + 2 :]
        if text.startswith(b"to=<"):
            self._delivered(line, queue_id, text)
        elif text.startswith(b"from=<"):
            self._taken(line, queue_id, text)
        elif text.startswith(ACCOUNT):
            # Only the first is the frontend's; a customer may have written another. What comes from this host
            # itself are notices of the operator's, which no frontend has counted.
            if b"[127.0.0.1];" not in text:
                self._owners.setdefault(queue_id, text[len(ACCOUNT) :].split(b" ", 1)[0])
        elif text.startswith(b"client="):
            self._sessions[_process(line, start)] = self._messages[queue_id] = Session()
        elif line.startswith(b"disconnect from ", start + 3):
            self._ended(line, start)
        elif text == b"removed\n" or text.startswith(b"milter-reject"):
            self._owners.pop(queue_id, None)
            self._counts.pop(queue_id, None)
            self._messages.pop(queue_id, None)

    def _taken(self, line: bytes, queue_id: bytes, text: bytes) -> None:
        """The queue manager has it; it says so again at each further attempt."""
        login = self._owners.get(queue_id)
        if login is None or queue_id in self._counts or not text.endswith(b"(queue active)\n"):
            return
        moment = self._moment(line[:15])
        if moment < self.since:
            self._owners.pop(queue_id)
            return
        found = self.logins.setdefault(login, Login())
        counts = found.quarters.setdefault(int(moment) // QUARTER * QUARTER, [0, 0, 0, 0])
        recipients = int(text[text.rindex(b"nrcpt=") + 6 :].split(b" ", 1)[0])
        counts[0] += recipients
        self._counts[queue_id] = counts
        if session := self._messages.pop(queue_id, None):
            session.counts = counts
            session.recipients -= recipients
            session.settle()
        sender = text[6 : text.index(b">, size=")]
        if sender in found.senders or len(found.senders) < KEPT:
            found.senders[sender] += 1

    def _ended(self, line: bytes, start: int) -> None:
        """A frontend hands over each message by itself; of several over one connection nothing is known."""
        session = self._sessions.pop(_process(line, start), None)
        at = line.find(b" rcpt=", start)
        if session is not None and at >= 0 and b" mail=1 " in line:
            # With some refused it is "taken/all".
            session.recipients += int(line[at + 6 : line.index(b" ", at + 6)].split(b"/")[0])
            session.ended = True
            session.settle()

    def _delivered(self, line: bytes, queue_id: bytes, text: bytes) -> None:
        counts = self._counts.get(queue_id)
        if counts is None:
            return
        status = text.find(b", status=")
        place = _FINAL.get(text[status + 9 : text.find(b" ", status + 9)])
        if place is not None:
            counts[place] += 1
        if text.startswith(b"bounced", status + 9):
            dsn = text.rfind(b", dsn=", 0, status) + 6
            why = text[dsn:status], text[status + 9 + len("bounced (") : -2][:SAID], self._moment(line[:15])
            self.logins[self._owners[queue_id]].bounced[text[4 : text.index(b">")]] = why

    def _moment(self, stamp: bytes) -> float:
        """Seconds since 1970 of a time without a year: the latest that has been."""
        if stamp[:12] != self._minute:
            self._minute, self._time = stamp[:12], moment_of(stamp[:12], self.now)
        return self._time

    def told(self) -> dict[str, object]:
        """All of it, as printed."""
        return {
            "logins": {
                login.decode(): {
                    "quarters": {str(start): counts for start, counts in found.quarters.items()},
                    "senders": {
                        sender.decode(errors="replace"): count
                        for sender, count in found.senders.most_common(SENDERS)
                    },
                    "bounced": {
                        recipient.decode(errors="replace"): [
                            dsn.decode(),
                            said.decode(errors="replace"),
                            int(at),
                        ]
                        for recipient, (dsn, said, at) in found.bounced.items()
                    },
                }
                for login, found in self.logins.items()
            }
        }


def _process(line: bytes, end: int) -> bytes:
    """`service[pid` of a line."""
    return line[line.rfind(b" ", 0, end) + 1 : end]


def moment_of(minute: bytes, now: float) -> float:
    """Seconds since 1970 of `Mon dd hh:mm`: the latest that has been."""
    year, found = time.localtime(now).tm_year, 0.0
    for candidate in (year, year - 1):
        found = time.mktime(time.strptime(f"{candidate} {minute.decode()}", "%Y %b %d %H:%M"))
        if found <= now:
            break
    return found


def lines(log: Path, since: float) -> Iterator[bytes]:
    """The lines of a log and its rotated files (`.1`, `.2.gz`), oldest first; none older than `since`."""
    numbered = sorted(
        (
            path
            for path in log.parent.glob(f"{log.name}.*")
            if path.name[len(log.name) + 1 :].split(".")[0].isdigit()
        ),
        key=lambda path: -int(path.name[len(log.name) + 1 :].split(".")[0]),
    )
    for path in [*numbered, log]:
        try:
            if path.stat().st_mtime < since:
                continue
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                yield from file
        except FileNotFoundError:  # rotated meanwhile, or no mail yet
            continue


def main(arguments: list[str]) -> None:
    """Read, count, print."""
    ledger = Ledger(float(arguments[0]), time.time())
    for line in lines(Path(arguments[1]) if len(arguments) > 1 else LOG, ledger.since):
        ledger.line(line)
    print(json.dumps(ledger.told()))


if __name__ == "__main__":
    main(sys.argv[1:])
