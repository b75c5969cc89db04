"""DMARC records, and which domain's record counts: by RFC 7489, and by RFC 9989, which replaces it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from publicsuffixlist import PublicSuffixList

from provisioner.core.dkim import DkimRecordError, parse_tags

POLICIES = {"none", "quarantine", "reject"}
# After the address there may be header fields of the message to write (RFC 6068), and the size of a report.
_URI = re.compile(
    r"mailto:[^@!,;?\s]+@([^@!,;?\s]+)(\?[^!,;\s]*)?(![0-9]+[kmgt]?)?",
    re.IGNORECASE,
)
_LABELS = 8
"""RFC 9989 4.10: of longer names those between the whole and its last seven labels are not looked at."""


class DmarcError(ValueError):
    """A record that receivers ignore; the message says why."""


@dataclass(frozen=True)
class DmarcPolicy:
    """A record. subdomain_policy: what `sp=` says, else the policy itself.

    strict_dkim, strict_spf: whether alignment has to be exact. reports, failures: the domains of the
    mailboxes in `rua=` and `ruf=`, in order. flaws: what receivers overlook, in words.
    """

    policy: str
    subdomain_policy: str
    strict_dkim: bool = False
    strict_spf: bool = False
    reports: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    flaws: tuple[str, ...] = ()


def is_dmarc(text: str) -> bool:
    """Whether a TXT record is a DMARC record (RFC 7489 6.6.3)."""
    return re.match(r"v\s*=\s*DMARC1\s*(;|\Z)", text) is not None


def parse(text: str) -> DmarcPolicy:
    """A TXT record that `is_dmarc`. Raises DmarcError."""
    try:
        tags = {name.lower(): value for name, value in parse_tags(text).items()}
    except DkimRecordError as error:
        raise DmarcError(str(error)) from error
    policy = tags.get("p", "").lower()
    if not policy:
        raise DmarcError("it has no p=")
    if policy not in POLICIES:
        raise DmarcError(f"p={tags['p']} is none of {', '.join(sorted(POLICIES))}")
    flaws: list[str] = []
    reports, failures = (_domains(tags, tag, flaws) for tag in ("rua", "ruf"))
    flaws += [
        f"{name}={tags[name]} is not valid" for name, fits in _OPTIONAL.items() if _wrong(tags, name, fits)
    ]
    if tags.get("pct", "100") != "100" and _OPTIONAL["pct"].fullmatch(tags["pct"]):
        flaws.append(f"pct={tags['pct']}: the policy holds for a part of the mail only")
    return DmarcPolicy(
        policy,
        sub if (sub := tags.get("sp", "").lower()) in POLICIES else policy,
        tags.get("adkim", "r").lower() == "s",
        tags.get("aspf", "r").lower() == "s",
        reports,
        failures,
        tuple(flaws),
    )


def _domains(tags: dict[str, str], tag: str, flaws: list[str]) -> tuple[str, ...]:
    """The domains of the mailboxes in a tag, each once; what is no mailbox is added to the flaws."""
    uris = [uri.strip() for uri in tags.get(tag, "").split(",") if uri.strip()]
    found = [_URI.fullmatch(uri) for uri in uris]
    flaws += [f"{tag}={uri} is no mailto: address" for uri, at in zip(uris, found, strict=True) if not at]
    return tuple(dict.fromkeys(at[1].lower().removesuffix(".") for at in found if at))


_OPTIONAL = {
    "sp": re.compile("none|quarantine|reject", re.IGNORECASE),
    "adkim": re.compile("[rs]", re.IGNORECASE),
    "aspf": re.compile("[rs]", re.IGNORECASE),
    "pct": re.compile(r"100|\d{1,2}"),
    "ri": re.compile(r"\d+"),
    "psd": re.compile("[ynu]", re.IGNORECASE),
}


def _wrong(tags: dict[str, str], name: str, fits: re.Pattern[str]) -> bool:
    return name in tags and fits.fullmatch(tags[name]) is None


def names_above(domain: str) -> tuple[str, ...]:
    """The names above a domain whose records receivers look at by RFC 9989 4.10, the nearest first."""
    labels = domain.split(".")
    first = max(1, len(labels) - _LABELS + 1)
    return tuple(".".join(labels[start:]) for start in range(first, len(labels)))


def suffix_flag(text: str) -> str:
    """What `psd=` of a record says (RFC 9989 4.7). y: of a public suffix; n: of an organisation; else u."""
    try:
        tags = {name.lower(): value.lower() for name, value in parse_tags(text).items()}
    except DkimRecordError:
        return "u"
    return tags["psd"] if tags.get("psd") in {"y", "n"} else "u"


def governing(records: Mapping[str, str]) -> str | None:
    """Whose record counts for a domain without one of its own by RFC 9989 4.10; None: there is none.

    records: by name, the records of the names above it, the nearest first.
    """
    names = list(records)
    for below, name in zip([None, *names], names, strict=False):
        flag = suffix_flag(records[name])
        if flag == "n":
            return name
        if flag == "y":
            # The organisation is one label below. Where it has no record, that of the suffix counts.
            return below if below is not None and below.partition(".")[2] == name else name
    return names[-1] if names else None


def is_suffix(domain: str) -> bool:
    """Whether everybody may register names below a domain, by the public suffix list."""
    return _suffixes().publicsuffix(domain) == domain


def organisational(domain: str) -> str:
    """The domain that somebody registered (RFC 7489 3.2), by the public suffix list; else the name itself."""
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
