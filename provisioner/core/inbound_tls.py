"""What the bounce domain says of TLS for mail to it: MTA-STS (RFC 8461), TLS-RPT (RFC 8460). Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

MtaSts = Literal["none", "testing", "enforce"]

POLICY_PATH = "/.well-known/mta-sts.txt"
MAX_AGE = {"testing": 86_400, "enforce": 604_800}
"""Seconds for which senders keep a policy: a day while it is tried, then a week (RFC 8461 3.2)."""

_ID = re.compile(r"[A-Za-z0-9]{1,32}")


class TlsRecordError(ValueError):
    """A record or policy that senders do not take; the text says why."""


def policy_host(domain: str) -> str:
    """The name at which senders fetch the policy (RFC 8461 3.3)."""
    return f"mta-sts.{domain}"


def policy_text(mode: str, *mx: str) -> str:
    """The policy as senders fetch it (RFC 8461 3.2)."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {each}" for each in mx), f"max_age: {MAX_AGE[mode]}"]
    return "".join(f"{line}\n" for line in lines)


def sts_record(policy: str) -> str:
    """The record that says there is a policy, and by its id whether it is still the same."""
    return f"v=STSv1; id={hashlib.sha256(policy.encode()).hexdigest()[:16]}"


def reports_record(address: str) -> str:
    """The record that says where reports go."""
    return f"v=TLSRPTv1; rua=mailto:{address}"


@dataclass(frozen=True)
class Policy:
    """A policy that was fetched."""

    mode: str
    mx: tuple[str, ...]
    max_age: int


def parse_policy(text: str) -> Policy:
    """What a policy says. Raises TlsRecordError."""
    fields: dict[str, list[str]] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            raise TlsRecordError(f"a line that is no field: {line.strip()!r}")
        fields.setdefault(name.strip(), []).append(value.strip())
    if fields.get("version") != ["STSv1"]:
        raise TlsRecordError("no version: STSv1")
    mode, age = fields.get("mode", [""])[0], fields.get("max_age", [""])[0]
    if mode not in {"none", "testing", "enforce"}:
        raise TlsRecordError(f"mode: {mode} is none of testing, enforce, none")
    if not age.isdecimal():
        raise TlsRecordError("no max_age")
    mx = tuple(name.lower() for name in fields.get("mx", ()))
    if mode != "none" and not mx:
        raise TlsRecordError("it names no mx")
    return Policy(mode, mx, int(age))


def check_sts_record(text: str) -> None:
    """Whether senders take it for an MTA-STS record (RFC 8461 3.1). Raises TlsRecordError."""
    tags = _tags(text, "STSv1")
    if not _ID.fullmatch(tags.get("id", "")):
        raise TlsRecordError("no id= of letters and digits, at most 32")


def check_reports_record(text: str) -> None:
    """Whether senders take it for where reports go (RFC 8460 3). Raises TlsRecordError."""
    ways = [way.strip() for way in _tags(text, "TLSRPTv1").get("rua", "").split(",")]
    wrong = [way for way in ways if not re.match(r"mailto:[^@\s]+@[^@\s]+$|https://[^\s/]+", way)]
    if wrong:
        raise TlsRecordError(f"rua={wrong[0]} is neither mailto: nor https:" if wrong[0] else "no rua=")


def _tags(text: str, version: str) -> dict[str, str]:
    first, *rest = [part.strip() for part in text.split(";")]
    if first.replace(" ", "") != f"v={version}":
        raise TlsRecordError(f"it does not begin with v={version}")
    pairs = (part.partition("=") for part in rest if part)
    return {name.strip(): value.strip() for name, _, value in pairs}
