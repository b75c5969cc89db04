from __future__ import annotations

from provisioner.core.findings import Finding, Status
from provisioner.core.regressions import compare, remember

PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN


def spf(*statuses: Status) -> tuple[Finding, ...]:
    """What so many servers say of one domain's SPF."""
    return tuple(Finding("spf", "a.example", each, "seen", f"ns{n}") for n, each in enumerate(statuses))


def days(*reports: tuple[Finding, ...]) -> list[tuple[bool, bool]]:
    """Day after day, whether it is told as worse, and as better."""
    known: dict[str, dict[str, Status]] = {}
    told = []
    for report in reports:
        changes = compare(known, {"a.example": report})
        told.append((bool(changes.worse), bool(changes.better)))
        known = remember(known, {"a.example": report})
    return told


NOTHING, WORSE, BETTER = (False, False), (True, False), (False, True)


def test_what_was_right_and_is_wrong_is_told_once() -> None:
    assert days(spf(PASS), spf(FAIL), spf(FAIL), spf(PASS)) == [NOTHING, WORSE, NOTHING, BETTER]
    assert days(spf(WARN), spf(FAIL), spf(WARN)) == [NOTHING, WORSE, BETTER]


def test_the_first_look_is_told_of_nothing() -> None:
    assert days(spf(FAIL), spf(FAIL)) == [NOTHING, NOTHING]
    assert compare({}, {"a.example": spf(FAIL)}).new == ("a.example",)


def test_doubt_is_not_told_and_does_not_hide_what_was_right() -> None:
    assert days(spf(PASS), spf(UNKNOWN), spf(FAIL)) == [NOTHING, NOTHING, WORSE]
    assert days(spf(FAIL), spf(UNKNOWN), spf(FAIL)) == [NOTHING, NOTHING, NOTHING]


def test_an_outage_of_all_dns_does_not_make_old_failures_new() -> None:
    outage = (Finding("zone", "a.example", UNKNOWN, "no answer"),)
    assert days(spf(FAIL), outage, spf(FAIL)) == [NOTHING, NOTHING, NOTHING]


def test_one_server_of_several_that_is_wrong_counts() -> None:
    assert days(spf(PASS, PASS), spf(PASS, FAIL), spf(PASS, PASS)) == [NOTHING, WORSE, BETTER]


def test_a_check_that_was_not_there_and_fails_is_worse() -> None:
    listed = (*spf(PASS), Finding("dnsbl", "192.0.2.1 bl.example", FAIL, "listed"))
    assert days(spf(PASS), listed) == [NOTHING, WORSE]


def test_a_subject_not_looked_at_is_kept_unless_it_is_gone() -> None:
    known = remember({}, {"a.example": spf(PASS), "b.example": spf(FAIL)})
    assert set(remember(known, {"a.example": spf(PASS)})) == {"a.example", "b.example"}
    assert set(remember(known, {"a.example": spf(PASS)}, {"b.example"})) == {"a.example"}
