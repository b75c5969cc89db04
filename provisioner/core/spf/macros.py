"""Macros in SPF records and explanations (RFC 7208 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioner.core.fleet import Address
from provisioner.core.spf.terms import MACRO, SpfSyntaxError

MAX_NAME = 253
_MAX_LABEL = 63
_MACRO = re.compile(MACRO, re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9\-._~]")
_LITERAL = {"%": "%", "_": " ", "-": "%20"}


@dataclass(frozen=True)
class Facts:
    """What macros stand for. local, sender_domain: of MAIL FROM; validated: the client's name, if proven.

    now: seconds since 1970; receiver: who checks. Both for explanations alone.
    """

    local: str
    sender_domain: str
    helo: str
    address: Address
    validated: str = "unknown"
    receiver: str = "unknown"
    now: int = 0


def expand(text: str, domain: str, facts: Facts) -> str:
    """The text with its macros replaced; `domain` is the one under evaluation. Raises SpfSyntaxError."""
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "%":
            found.append(text[at])
            at += 1
            continue
        macro = _MACRO.match(text, at)
        if macro is None:
            raise SpfSyntaxError(f"{text[at : at + 4]!r} is no macro")
        found.append(_one(macro, domain, facts))
        at = macro.end()
    return "".join(found)


def wants_name(text: str) -> bool:
    """Whether a text has the macro p, which costs questions to DNS."""
    return any(macro["letter"] in {"p", "P"} for macro in _MACRO.finditer(text))


def target(text: str, domain: str, facts: Facts) -> str:
    """A domain-spec's name, cut from the left to what DNS takes; empty when it is none."""
    name = expand(text, domain, facts).removesuffix(".")
    while len(name) > MAX_NAME and "." in name:
        name = name.partition(".")[2]
    return name if is_name(name) else ""


def is_name(name: str) -> bool:
    """Whether DNS can be asked for it."""
    return len(name) <= MAX_NAME and all(0 < len(label) <= _MAX_LABEL for label in name.split("."))


def _one(macro: re.Match[str], domain: str, facts: Facts) -> str:
    letter = macro["letter"]
    if letter is None:
        return _LITERAL[macro[0][1]]
    value = _value(letter.lower(), domain, facts)
    parts = re.split(f"[{re.escape(macro['by'] or '.')}]", value)
    if macro["reverse"]:
        parts.reverse()
    if macro["digits"]:
        wanted = int(macro["digits"])
        if not wanted:
            raise SpfSyntaxError(f"{macro[0]!r} keeps no part")
        parts = parts[-wanted:]
    result = ".".join(parts)
    return _UNSAFE.sub(_percent, result) if letter.isupper() else result


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _value(letter: str, domain: str, facts: Facts) -> str:
    address, six = facts.address, facts.address.version == 6
    nibbles = ".".join(address.exploded.replace(":", "").upper())
    return {
        "s": f"{facts.local}@{facts.sender_domain}",
        "l": facts.local,
        "o": facts.sender_domain,
        "d": domain,
        "i": nibbles if six else str(address),
        "v": "ip6" if six else "in-addr",
        "p": facts.validated,
        "h": facts.helo,
        "c": str(address),
        "r": facts.receiver,
        "t": str(facts.now),
    }[letter]
