"""Records that have to be exactly as they ought to, and what to say when nobody answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provisioner.core.answers import Answer, Outcome
from provisioner.core.findings import Finding, Status
from provisioner.core.records import Record, Zone
from provisioner.core.spf import is_spf


def unknown(check: str, subject: str, answer: Answer, expected: str = "") -> Finding:
    """The finding about a question that got no answer."""
    fix = f"Ask again when {answer.server or 'the server'} answers; nothing is known to be wrong yet"
    if answer.outcome is Outcome.LOOP:
        fix = "Correct these CNAMEs: nothing is found through them"
    return Finding(check, subject, Status.UNKNOWN, answer.seen, answer.server, fix, expected)


def check_records(wanted: Sequence[Record], answers: Iterable[Answer]) -> list[Finding]:
    """Whether each server has exactly the set of records wanted of one name and type."""
    first = wanted[0]
    expected = {_comparable(record.type, record.value) for record in wanted}
    subject, told = f"{first.name} {first.type}", " | ".join(record.value for record in wanted)
    found: list[Finding] = []
    for answer in answers:
        if not answer.certain:
            found.append(unknown(first.purpose, subject, answer, told))
            continue
        values = answer.values
        if first.type == "TXT" and is_spf(first.value):
            # Other TXT records may stand beside an SPF record; a second SPF record may not.
            values = tuple(value for value in values if is_spf(value))
        seen = {_comparable(first.type, value) for value in values}
        status = Status.PASS if seen == expected else Status.FAIL
        fix = "" if status is Status.PASS else _publish(wanted)
        found.append(Finding(first.purpose, subject, status, answer.seen, answer.server, fix, told))
    return found


def _publish(wanted: Sequence[Record]) -> str:
    first = wanted[0]
    values = ", ".join(record.value for record in wanted)
    if first.zone is Zone.OPERATOR:
        return f"Run: provisioner dns publish --fleet, or set {first.name} {first.type} to {values}"
    return f"Set {first.name} {first.type} to {values}"


def _comparable(kind: str, value: str) -> str:
    return value if kind == "TXT" else value.lower()
