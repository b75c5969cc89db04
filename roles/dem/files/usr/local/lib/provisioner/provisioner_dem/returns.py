"""Bounces as backends hand them on: a return path that tells list and reader, and a header the kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

HEADER = "X-Provisioner-Bounce"
KINDS = frozenset({"hard", "soft", "full", "blocked", "autoreply", "complaint", "unidentified"})
STATUS = {"hard": "5.1.1", "soft": "4.0.0", "full": "4.2.2", "blocked": "5.7.1"}
"""RFC 3463's code for a bounce that has none of its own."""

_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True)
class Bounce:
    """What happened to a message for `recipient`. list: where it came from; status: as in RFC 3463."""

    kind: str
    list: str
    recipient: str
    status: str


def read(recipient: str, message: bytes, account: str, tag: str, bounce_domain: str) -> Bounce | None:
    """What the message for the return path `recipient` tells; None when it is no bounce of this host.

    A message without the backend's header is one that this host's own Postfix made: its report is read.
    """
    found = re.fullmatch(
        rf"{re.escape(account)}\.([a-z0-9_-]+)\.{re.escape(tag)}\+([^@]+)=([^=@]+)@{re.escape(bounce_domain)}",
        recipient,
        re.IGNORECASE,
    )
    if not found:
        return None
    name, local, domain = found.groups()
    parsed = message_from_bytes(message, policy=compat32)
    kind, status = _told(str(parsed.get(HEADER, ""))) if HEADER in parsed else _reported(parsed)
    return Bounce(kind, name.lower(), f"{local}@{domain}".lower(), status or STATUS.get(kind, ""))


def _told(header: str) -> tuple[str, str]:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    kind = fields.get("kind", "")
    status = _STATUS.fullmatch(fields.get("status", ""))
    return kind if kind in KINDS else "unidentified", status.group(1) if status else ""


def _reported(message: Message) -> tuple[str, str]:
    """Kind and status of a delivery status notification (RFC 3464) in Postfix's own form."""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in part.get_payload():
            if not isinstance(block, Message) or "Action" not in block:
                continue
            if str(block["Action"]).strip().lower() != "failed":
                return "autoreply", ""  # it is only late
            status = _STATUS.search(str(block.get("Status", "")))
            code = status.group(1) if status else ""
            return _kind(code), code
    return "unidentified", ""


def _kind(status: str) -> str:
    if status.startswith(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")):
        return "hard"
    if status in ("4.2.2", "5.2.2"):
        return "full"
    return "blocked" if status.startswith("5.7.") else "soft"
