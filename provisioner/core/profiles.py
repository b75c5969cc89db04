"""What each big receiver insists on; the rest is advice. `docs/readiness.md` has the sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from provisioner.core.findings import Finding, Status


class Profile(StrEnum):
    """Whose eyes to look with."""

    GOOGLE = "google"
    YAHOO = "yahoo"
    MICROSOFT = "microsoft"
    LIBERO = "libero"
    ALL = "all"


_EVERYBODY = frozenset(
    {
        "spf",
        "dkim",
        "dmarc",
        "alignment",
        "ptr",
        "address",
        "dnsbl",
        "zone",
        "dnssec",
        "bounce-mx",
        "time",
        "dem-site",
    }
)
_INSISTS: dict[Profile, frozenset[str]] = {
    Profile.GOOGLE: _EVERYBODY | {"one-click", "tls", "spam-rate"},
    Profile.YAHOO: _EVERYBODY | {"one-click", "spam-rate", "helo"},
    Profile.MICROSOFT: _EVERYBODY | {"replies", "bounce-mailbox"},
    # Says nothing in public; what its refusals name.
    Profile.LIBERO: _EVERYBODY | {"helo", "replies", "spf-helo"},
}
_INSISTS[Profile.ALL] = frozenset().union(*_INSISTS.values())


def judge(findings: Iterable[Finding], profile: Profile) -> tuple[Finding, ...]:
    """The findings as this receiver takes them: what it does not insist on is a warning at most."""
    wanted, strict = _INSISTS[profile], {Status.FAIL, Status.UNKNOWN}
    return tuple(
        replace(finding, status=Status.WARN)
        if finding.status in strict and finding.id not in wanted
        else finding
        for finding in findings
    )
