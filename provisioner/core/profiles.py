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
        "dem-mx",
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
    """The findings as this receiver takes them: what it does not insist on is wrong as a warning alone.

    What is not known stays so: nobody can tell yet what it would be.
    """
    return tuple(
        replace(finding, status=Status.WARN)
        if finding.status is Status.FAIL and not insists(profile, finding)
        else finding
        for finding in findings
    )


def insists(profile: Profile, finding: Finding) -> bool:
    """Whether this receiver refuses mail, or may, for what the finding is about."""
    return finding.id in _INSISTS[profile]
