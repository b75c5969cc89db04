"""Mail to discussion lists: which addresses there are, and who wrote what comes to them.

From: alone proves nothing, anybody could write as a member. A signature of its own domain does (RFC 6376).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from email import message_from_bytes
from email.policy import compat32
from email.utils import getaddresses
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import dkim
from dkim.util import InvalidTagValueList, parse_tag_value

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

Lookup = Callable[..., bytes | None]
"""Called with a name and `timeout`; the TXT record there."""


class Verdict(StrEnum):
    """What is to become of a post: it is sent, somebody looks at it, its author is told why not."""

    MEMBER = "member"
    DOUBT = "doubt"
    STRANGER = "stranger"


class Author(NamedTuple):
    """address: in From:, empty when that is not exactly one. vouched: its domain signed the message."""

    address: str
    vouched: bool


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
    if table.exists() and file.read_text() == text:
        return False
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(text)
    part.rename(file)
    run(["postmap", f"cdb:{file}"])
    return True


def author(raw: bytes, lookup: Lookup = dkim.get_txt) -> Author:
    """Who wrote a message, as far as it can be told. Raises what the lookup raises: ask again later."""
    fields = message_from_bytes(raw, policy=compat32).get_all("From", [])
    found = [address for _, address in getaddresses([str(each) for each in fields]) if "@" in address]
    if len(fields) != 1 or len(found) != 1:
        return Author("", vouched=False)
    address = found[0].lower()
    return Author(address, vouched=_signed_by(address.rpartition("@")[2], raw, lookup))


def _signed_by(domain: str, raw: bytes, lookup: Lookup) -> bool:
    """Whether the whole message has a good signature of a domain or of one above it."""
    try:
        message = dkim.DKIM(raw)
    except dkim.MessageFormatError:
        return False
    signatures = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
    for index, signature in enumerate(signatures[:SIGNATURES_READ]):
        try:
            tags = parse_tag_value(signature)
            signer = tags[b"d"].decode().lower()
            above = domain == signer or ("." in signer and domain.endswith(f".{signer}"))
            # With l= anybody may add to it (RFC 6376 8.2).
            if above and b"l" not in tags and message.verify(idx=index, dnsfunc=lookup):
                return True
        except (dkim.DKIMException, InvalidTagValueList, KeyError, UnicodeDecodeError):
            continue
    return False


def verdict(author: Author, *, member: bool) -> Verdict | None:
    """None: neither is it a member, nor does anybody say who it is; an answer would go to somebody else."""
    if member:
        return Verdict.MEMBER if author.vouched else Verdict.DOUBT
    return Verdict.STRANGER if author.vouched else None


def marked(raw: bytes, what: Verdict) -> bytes:
    """A message with our header before all but the return path, and without any of that name.

    As Postfix hands it over, with a line feed at the end of each line.
    """
    head, blank, body = raw.partition(b"\n\n")
    path, line, rest = head.partition(b"\n") if head.startswith(b"Return-Path:") else (b"", b"", head)
    # Wherever it stands: nothing that was said of it outside can be right.
    rest = re.sub(b"(?i)" + re.escape(HEADER), b"X-Was-Author", rest)
    return b"".join((path, line, HEADER, b": ", what.value.encode(), b"\n", rest, blank, body))


def post(desk: Desk, settings: Settings, recipient: str, raw: bytes, lookup: Lookup = dkim.get_txt) -> str:
    """Do with a message what is due; in a few words what that was."""
    local = recipient.partition("@")[0]
    if local in OFFICES:
        letter = letters.passed_on(settings, recipient, raw)
        run(["/usr/sbin/sendmail", "-f", settings.sender, "--", settings.admin], letter)
        return f"passed on to {settings.admin}"
    name = local.removesuffix(REQUEST)
    if name not in desk.discussions():
        return "dropped: there is no such discussion"
    who = author(raw, lookup)
    if local != name:
        if not who.vouched:
            return f"dropped: nobody vouches for {who.address or 'its author'}"
        desk.hand_over(recipient, raw)
        return f"from {who.address} to its owners"
    what = verdict(who, member=bool(who.address) and desk.belongs(name, who.address))
    if what is None:
        return f"dropped: {who.address or 'its author'} is no member, and nobody vouches for it"
    desk.hand_over(recipient, marked(raw, what))
    return f"from {who.address}, {what}"
