"""What was right when it was last looked at and is wrong now, and what came right again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from provisioner.core.findings import Finding, Status, worst_first

Known = Mapping[str, Mapping[str, Status]]
"""By subject (a domain, the fleet), by check (`spf acme.example`): how it was when that was last certain."""

Reports = Mapping[str, Sequence[Finding]]

_RIGHT = {Status.PASS, Status.WARN}


@dataclass(frozen=True)
class Changes:
    """By subject the findings that are wrong now and were not, and those that were wrong and are not.

    new: subjects that were never looked at: nothing is told of them yet.
    """

    worse: Mapping[str, tuple[Finding, ...]]
    better: Mapping[str, tuple[Finding, ...]]
    new: tuple[str, ...]


def compare(before: Known, reports: Reports) -> Changes:
    """What changed for the worse and for the better. Doubt is neither: it may be over at the next look."""
    worse: dict[str, tuple[Finding, ...]] = {}
    better: dict[str, tuple[Finding, ...]] = {}
    for subject in [name for name in reports if name in before]:
        was, now = before[subject], _by_check(reports[subject])
        failed = [
            f for check, f in now.items() if f.status is Status.FAIL and was.get(check) is not Status.FAIL
        ]
        mended = [f for check, f in now.items() if f.status in _RIGHT and was.get(check) is Status.FAIL]
        worse |= {subject: tuple(failed)} if failed else {}
        better |= {subject: tuple(mended)} if mended else {}
    return Changes(worse, better, tuple(name for name in reports if name not in before))


def remember(before: Known, reports: Reports, gone: Collection[str] = ()) -> dict[str, dict[str, Status]]:
    """What is to be known the next time. gone: subjects that are no more, and are forgotten.

    Where something is in doubt, what was certain before stays.
    """
    known = {name: dict(checks) for name, checks in before.items() if name not in gone}
    for subject, findings in reports.items():
        now = _by_check(findings)
        doubt = any(each.status is Status.UNKNOWN for each in now.values())
        certain = {check: each.status for check, each in now.items() if each.status is not Status.UNKNOWN}
        known[subject] = {**(before.get(subject, {}) if doubt else {}), **certain}
    return known


def _by_check(findings: Sequence[Finding]) -> dict[str, Finding]:
    """The worst finding of each check and what it is about: servers may have said different things."""
    found: dict[str, Finding] = {}
    for each in worst_first(findings):
        found.setdefault(f"{each.id} {each.subject}", each)
    return found
