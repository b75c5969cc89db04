"""What `dns verify --since-last` tells: what was right the last time and is wrong now."""

from __future__ import annotations

from pathlib import Path

from provisioner.adapters import readiness_state
from provisioner.cli import output
from provisioner.core.errors import CheckFailed
from provisioner.core.findings import Status, worst
from provisioner.core.regressions import Changes, Known, Reports, compare, remember

FLEET = "the fleet"
"""The subject that is no customer's domain."""


def since_last(path: Path, look: str, reports: Reports, *, everything: bool, json: bool) -> None:
    """Compare with the last run, tell what changed, keep this one.

    path: the inventory's. look: in whose eyes, and with which checks that not every run makes: only runs of
    the same look are compared. everything: the reports have all customers' domains. Raises CheckFailed when
    something got worse, UsageError when what is kept can't be read.
    """
    before = readiness_state.load(path, look)
    changes = compare(before or {}, reports)
    if json:
        output.as_json(
            {"worse": changes.worse, "better": changes.better, "new": changes.new, "reports": reports}
        )
    else:
        _tell(changes, before, reports)
    # Kept only once it was told: a run that is cut short alarms again, and never not at all.
    gone = (before or {}).keys() - reports.keys() - {FLEET} if everything else ()
    readiness_state.save(path, look, remember(before or {}, reports, gone))
    if changes.worse:
        raise CheckFailed(
            f"Was right, and is wrong now: {', '.join(changes.worse)}",
            hint="'provisioner dns verify' and the name tells all of it, and what to do",
        )


def _tell(changes: Changes, before: Known | None, reports: Reports) -> None:
    for subject, findings in changes.worse.items():
        output.findings(findings, title=f"{subject}: worse")
    for subject, findings in changes.better.items():
        checks = ", ".join(f"{each.id} {each.subject}" for each in findings)
        output.say(f"{subject}: right again: {checks}")
    doubt = [name for name, found in reports.items() if any(each.status is Status.UNKNOWN for each in found)]
    if doubt:
        output.note(f"In doubt now, and to be looked at again: {', '.join(doubt)}")
    wrong = sum(worst(found) is Status.FAIL for name, found in reports.items() if name not in changes.worse)
    if before is None:
        output.say(f"Kept as the first look: {len(reports)} looked at, {wrong} wrong")
    else:
        news = f", {len(changes.new)} looked at for the first time" if changes.new else ""
        output.say(f"{len(changes.worse)} worse, {len(changes.better)} better, {wrong} wrong as before{news}")
