"""An SPF record taken apart (RFC 7208 12): its whole syntax is judged before anything of it is evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network


class SpfResult(StrEnum):
    """RFC 7208 2.6."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SpfSyntaxError(ValueError):
    """A record that is no SPF; the message names the term and what is wrong with it."""


_QUALIFIERS = {
    "+": SpfResult.PASS,
    "-": SpfResult.FAIL,
    "~": SpfResult.SOFTFAIL,
    "?": SpfResult.NEUTRAL,
}
_DELIMITERS = r"[.\-+,/_=]*"
MACRO = rf"%(?:[%_\-]|\{{(?P<letter>[slodipvhcrt])(?P<digits>\d*)(?P<reverse>r?)(?P<by>{_DELIMITERS})\}})"
"""One macro in a text (RFC 7208 7.1), case ignored."""

_IN_RECORD = rf"%(?:[%_\-]|\{{[slodipvh](?:0*[1-9]\d*)?r?{_DELIMITERS}\}})"
_MACRO_STRING = re.compile(rf"(?:[!-$&-~]|{_IN_RECORD})*", re.IGNORECASE)
_TOP_LABEL = r"(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])"
_DOMAIN_END = re.compile(rf"(?:\.{_TOP_LABEL}\.?|{_IN_RECORD})\Z", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9\-_.]*)=(.*)", re.IGNORECASE | re.DOTALL)
_MECHANISM = re.compile(r"([+\-?~]?)([a-z][a-z0-9\-_.]*)(.*)", re.IGNORECASE | re.DOTALL)
_PREFIXES = re.compile(r"(?:/(?P<four>0|[1-9]\d?))?(?://(?P<six>0|[1-9]\d{0,2}))?\Z")
_PLAIN = {"all"}
_NEEDS_DOMAIN = {"include", "exists"}
_MAY_HAVE_DOMAIN = {"a", "mx", "ptr"}


@dataclass(frozen=True)
class Mechanism:
    """One mechanism. result: of a match; domain: as written, empty for the current one.

    network: of ip4 and ip6; four, six: prefix lengths of `a` and `mx`.
    """

    text: str
    result: SpfResult
    kind: str
    domain: str = ""
    network: IPv4Network | IPv6Network | None = None
    four: int = 32
    six: int = 128


@dataclass(frozen=True)
class SpfRecord:
    """A record: its mechanisms in order, and where `redirect=` and `exp=` lead, empty when there is none."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str = ""
    explanation: str = ""


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (RFC 7208 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


@lru_cache(maxsize=1024)
def parse(text: str) -> SpfRecord:
    """A TXT record that `is_spf`. Raises SpfSyntaxError. Each is wanted once for every address."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in filter(None, text.split(" ")[1:]):
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            mechanisms.append(_mechanism(term))
            continue
        name, value = modifier[1].lower(), modifier[2]
        if name not in {"redirect", "exp"}:
            _check(_MACRO_STRING.fullmatch(value), term, "its value is no macro string")
            continue
        _check(name not in modifiers, term, "it appears twice")
        modifiers[name] = _domain_spec(value, term)
    return SpfRecord(tuple(mechanisms), modifiers.get("redirect", ""), modifiers.get("exp", ""))


def _mechanism(term: str) -> Mechanism:
    found = _MECHANISM.fullmatch(term)
    if found is None:
        raise SpfSyntaxError(f"{term!r} is not SPF")
    result, kind, rest = _QUALIFIERS[found[1] or "+"], found[2].lower(), found[3]
    if kind in {"ip4", "ip6"}:
        return Mechanism(term, result, kind, network=_network(kind, rest, term))
    four, six = 32, 128
    if kind in {"a", "mx"}:
        rest, four, six = _prefixes(rest, term)
    _check(kind in _PLAIN | _NEEDS_DOMAIN | _MAY_HAVE_DOMAIN, term, "there is no such mechanism")
    if not rest:
        _check(kind not in _NEEDS_DOMAIN, term, "it needs a domain")
        return Mechanism(term, result, kind, four=four, six=six)
    _check(rest.startswith(":") and kind not in _PLAIN, term, "what follows the name is not SPF")
    return Mechanism(term, result, kind, _domain_spec(rest[1:], term), four=four, six=six)


def _prefixes(rest: str, term: str) -> tuple[str, int, int]:
    found = _PREFIXES.search(rest)
    if found is None:  # pragma: no cover - it matches the empty end at least
        return rest, 32, 128
    four = int(found["four"]) if found["four"] else 32
    six = int(found["six"]) if found["six"] else 128
    _check(four <= 32 and six <= 128, term, "it has no valid prefix length")
    return rest[: found.start()], four, six


def _network(kind: str, rest: str, term: str) -> IPv4Network | IPv6Network:
    address, slash, length = rest.removeprefix(":").partition("/")
    _check(rest.startswith(":"), term, "it needs an address")
    _check(not slash or re.fullmatch(r"0|[1-9]\d{0,2}", length), term, "it has no valid prefix length")
    try:
        network = ip_network(f"{address}/{length}" if slash else address, strict=False)
    except ValueError:
        raise SpfSyntaxError(f"{term!r}: it has no valid address") from None
    _check(f"ip{network.version}" == kind and "%" not in address, term, "its address is of the other family")
    return network


def _domain_spec(text: str, term: str) -> str:
    _check(_MACRO_STRING.fullmatch(text), term, "it has no valid domain")
    _check(_DOMAIN_END.search(text), term, "its domain ends neither in a top-level name nor in a macro")
    return text


def _check(right: object, term: str, reason: str) -> None:
    if not right:
        raise SpfSyntaxError(f"{term!r}: {reason}")
