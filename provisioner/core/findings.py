"""What a check found. Doubt is its own status: no answer is neither right nor missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


_RANK = {Status.PASS: 0, Status.WARN: 1, Status.UNKNOWN: 2, Status.FAIL: 3}


@dataclass(frozen=True)
class Finding:
    """One finding.

    id: which check (`spf`, `dkim`, `dmarc`, `ptr`, …); subject: the name or address it is about.
    seen: what was there; server: who said so; fix: what to do, in words that support can paste.
    expected: what ought to be there. trace: how the result came about, step by step.
    """

    id: str
    subject: str
    status: Status
    seen: str
    server: str = ""
    fix: str = ""
    expected: str = ""
    trace: tuple[str, ...] = ()


def worst(findings: Iterable[Finding]) -> Status:
    """The status of all together: a failure outweighs doubt, doubt outweighs a warning."""
    return max((finding.status for finding in findings), key=_RANK.__getitem__, default=Status.PASS)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What fails, then what is in doubt, then warnings; else in their order."""
    return tuple(sorted(findings, key=lambda each: -_RANK[each.status]))


def worst_subjects_first(reports: Mapping[str, tuple[Finding, ...]]) -> dict[str, tuple[Finding, ...]]:
    """By subject: where something fails, then where there is doubt, then warnings; else in their order."""
    return dict(sorted(reports.items(), key=lambda report: -_RANK[worst(report[1])]))


def together(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What several servers say alike, told once with all their names."""
    servers: dict[Finding, list[str]] = {}
    for each in findings:
        servers.setdefault(replace(each, server=""), []).append(each.server)
    return tuple(replace(each, server="; ".join(filter(None, names))) for each, names in servers.items())


def all_good(findings: Iterable[Finding]) -> bool:
    """Whether everything was seen to be right; warnings do no harm, doubt does."""
    return worst(findings) in {Status.PASS, Status.WARN}
