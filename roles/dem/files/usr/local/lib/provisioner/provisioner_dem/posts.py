"""Mail to discussion lists: which addresses there are, and who wrote what comes to them.

From: alone proves nothing, anybody could write as a member. A signature of its own domain does (RFC 6376).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Mapping
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import dkim
import dns.exception
import dns.resolver
from dkim.util import parse_tag_value

from provisioner_dem import letters
from provisioner_dem.commands import run
from provisioner_dem.settings import Settings

HEADER = b"X-Provisioner-Author"
"""What Sympa's rules ask (send.discussion); never one that came from outside."""
REQUEST = "-request"
"""Ends the address of who looks after a list (RFC 2142 6)."""
OFFICES = ("abuse", "postmaster")
"""Mailboxes that every domain has (RFC 2142 4, RFC 5321 4.5.1)."""
FILE = Path("/var/lib/provisioner-posts/addresses")
SIGNATURES_READ = 5
FRESH = 3600
"""Seconds between Date: and now."""
SINGLE = ("From", "To", "Cc", "Subject", "Sender", "Reply-To", "Date", "Message-ID", "Content-Type")
"""Fields that a message has once at most (RFC 5322 3.6, RFC 2045 3): no signature would cover a second."""

Lookup = Callable[..., bytes | None]
"""Called with a name and `timeout`; the TXT record there."""


class UnansweredError(OSError):
    """A name server did not answer: nothing is known yet."""


class Verdict(StrEnum):
    """What is to become of a post: it is sent, somebody looks at it, its author is told why not."""

    MEMBER = "member"
    DOUBT = "doubt"
    STRANGER = "stranger"


class Author(NamedTuple):
    """address: in From:, empty when that is not exactly one. vouched: its domain signed the message."""

    address: str
    vouched: bool


class Wanted(NamedTuple):
    """What a signature has to be. domain: the author's; naming: the fields that name the list.

    What somebody signed for others must not be sent on to a list in his name: so the field with the list has
    to be signed. Some never sign any (Microsoft): theirs has to be new at least, `recent`.
    """

    domain: str
    naming: Collection[str]
    recent: bool

    def by(self, tags: Mapping[bytes, bytes]) -> bool:
        """Whether a signature with these tags says enough, should it be good. Raises KeyError, ValueError."""
        signer = tags[b"d"].decode().lower()
        signed = {field.strip() for field in tags[b"h"].decode().lower().split(":")}
        above = self.domain == signer or ("." in signer and self.domain.endswith(f".{signer}"))
        # With l= anybody may add to it (RFC 6376 8.2).
        whole = {"from", "subject"} <= signed and b"l" not in tags
        for_us = not signed.isdisjoint(self.naming)
        if signed.isdisjoint({"to", "cc"}):
            for_us = "date" in signed and self.recent
        return above and whole and for_us


class Desk(Protocol):
    """The list software."""

    def discussions(self) -> list[str]:
        """The lists that members write to."""

    def belongs(self, name: str, email: str) -> bool:
        """Whether somebody may write to a list: its subscribers, owners, editors."""

    def hand_over(self, address: str, message: bytes) -> None:
        """Give it a message for one of its addresses."""


def addresses(desk: Desk, domain: str, closed: Collection[str] = ()) -> list[str]:
    """All that may be written to; closed: lists that are about to be."""
    names = [f"{name}{end}" for name in desk.discussions() if name not in closed for end in ("", REQUEST)]
    return [f"{name}@{domain}" for name in sorted((*names, *OFFICES))]


def keep(known: list[str], file: Path = FILE) -> bool:
    """Write the map that Postfix asks; whether anything changed."""
    text = "".join(f"{address} OK\n" for address in known)
    table = file.with_suffix(".cdb")
    if table.exists() and file.exists() and file.read_text() == text:
        return False
    # The text comes last: it says that the table is of it.
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(text)
    run(["postmap", f"cdb:{part}"])
    part.with_name(f"{part.name}.cdb").rename(table)
    part.rename(file)
    return True


def txt(name: bytes, timeout: int = 5) -> bytes | None:
    """The TXT record at a name, as dkimpy asks for it. Raises UnansweredError."""
    try:
        found = dns.resolver.resolve(name.decode(), "TXT", lifetime=timeout)
    except (dns.resolver.LifetimeTimeout, dns.resolver.NoNameservers) as error:
        raise UnansweredError(f"{name!r}: {error}") from error
    except (dns.exception.DNSException, UnicodeDecodeError):  # there is none, or can't be one
        return None
    return b"".join(found[0].strings)


def author(raw: bytes, to: str, lookup: Lookup = txt, now: float | None = None) -> Author:
    """Who wrote a message to an address, as far as it can be told. Raises UnansweredError: ask later."""
    head = message_from_bytes(raw, policy=compat32)
    found = _addresses(head, "From")
    if len(found) != 1 or any(len(head.get_all(name, [])) > 1 for name in SINGLE):
        return Author("", vouched=False)
    naming = {name.lower() for name in ("To", "Cc") if to in _addresses(head, name)}
    wanted = Wanted(found[0].rpartition("@")[2], naming, _recent(head, time.time() if now is None else now))
    return Author(found[0], vouched=_signed(raw, wanted, lookup))


def _addresses(head: Message, name: str) -> list[str]:
    fields = [str(each) for each in head.get_all(name, [])]
    return [address.lower() for _, address in getaddresses(fields) if "@" in address]


def _recent(head: Message, now: float) -> bool:
    try:
        return abs(now - parsedate_to_datetime(str(head["Date"])).timestamp()) <= FRESH
    except (ValueError, OverflowError):
        return False


def _signed(raw: bytes, wanted: Wanted, lookup: Lookup) -> bool:
    """Whether there is a good signature that says enough."""
    try:
        message = dkim.DKIM(raw)
    except dkim.MessageFormatError:
        return False
    signatures = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
    for index, signature in enumerate(signatures[:SIGNATURES_READ]):
        try:
            enough = wanted.by(parse_tag_value(signature))
            if enough and message.verify(idx=index, dnsfunc=lookup):
                return True
        except UnansweredError:
            raise
        except Exception:  # noqa: S112 - anybody may write anything there: then it is no signature
            continue
    return False


def verdict(author: Author, *, member: bool) -> Verdict | None:
    """None: neither is it a member, nor does anybody say who it is; an answer would go to somebody else."""
    if member:
        return Verdict.MEMBER if author.vouched else Verdict.DOUBT
    return Verdict.STRANGER if author.vouched else None


def marked(raw: bytes, who: Author, what: Verdict | None = None) -> bytes:
    """A message with our own words first, and without any of the name that Sympa's rule asks for.

    Its return path is where Sympa answers to: its author's address, or nobody's where nobody vouches for it.
    As Postfix hands it over, with a line feed at the end of each line.
    """
    head, blank, body = raw.partition(b"\n\n")
    # Wherever it stands: nothing that was said of it outside can be right.
    head = re.sub(b"(?i)" + re.escape(HEADER), b"X-Was-Author", head)
    path = b"Return-Path: <%b>\n" % (who.address.encode() if who.vouched else b"")
    said = b"%b: %b\n" % (HEADER, what.value.encode()) if what else b""
    return b"".join((path, said, head, blank, body))


def post(desk: Desk, settings: Settings, recipient: str, raw: bytes, lookup: Lookup = txt) -> str:
    """Do with a message what is due; in a few words what that was."""
    local = recipient.partition("@")[0]
    if local in OFFICES:
        letter = letters.passed_on(settings, recipient, raw)
        run(["/usr/sbin/sendmail", "-f", settings.sender, "--", settings.admin], letter)
        return f"passed on to {settings.admin}"
    name = local.removesuffix(REQUEST)
    if name not in desk.discussions():
        return "dropped: there is no such discussion"
    who = author(raw, recipient, lookup)
    if local != name:
        if not who.vouched:
            return f"dropped: nobody vouches for {who.address or 'its author'}"
        desk.hand_over(recipient, marked(raw, who))
        return f"from {who.address} to its owners"
    what = verdict(who, member=bool(who.address) and desk.belongs(name, who.address))
    if what is None:
        return f"dropped: {who.address or 'its author'} is no member, and nobody vouches for it"
    desk.hand_over(recipient, marked(raw, who, what))
    return f"from {who.address}, {what}"
