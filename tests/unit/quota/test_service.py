"""What the quota service counts and gives back, in whatever order it learns of things."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from provisioner_quota import policy, verdicts
from provisioner_quota.accounts import Account
from provisioner_quota.outcomes import Outcome
from provisioner_quota.service import Session

from tests.unit.quota.memory import MOMENT, MemoryCounters, asks, service, text

PLAN = Account("acme", "UTC", rejects=False, limits={"recipients_per_day": 100})


def test_an_accepted_message_is_not_given_back_for_a_later_one(tmp_path: Path) -> None:
    async def run() -> int:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        assert await text(quota, session, "1", recipients=1) == verdicts.passes("fe1.1")
        assert await text(quota, session, "2", recipients=50) == verdicts.passes("fe1.2")
        await quota.happened(Outcome(7, "fe1.1"))  # a backend refused the first: this is read late
        await quota.happened(Outcome(7, "fe1.1"))
        assert "fe1.2" in counters.seen
        return counters.days["acme"]

    assert asyncio.run(run()) == 50


def test_a_text_without_an_end_is_given_back_alone(tmp_path: Path) -> None:
    async def run() -> int:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        await text(quota, session, "1", recipients=50)
        quota.begins(asks("2", 9, policy.DATA), session)  # too long: nobody asks about its end
        await asyncio.sleep(0.005)
        assert counters.days["acme"] == 59
        await text(quota, session, "3", recipients=2)
        return counters.days["acme"]

    assert asyncio.run(run()) == 52


def test_a_text_that_ends_after_midnight_counts_for_the_new_day(tmp_path: Path) -> None:
    async def run() -> tuple[str, int]:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        quota.now = lambda: MOMENT - 1
        quota.begins(asks("1", 5, policy.DATA), session)
        await asyncio.sleep(0.005)
        assert counters.seen["fe1.1"].day == "2025-12-31"
        quota.now = lambda: MOMENT + 1
        assert await quota.ends(asks("1", 5), session) == verdicts.passes("fe1.1")
        return counters.seen["fe1.1"].day, counters.days["acme"]

    assert asyncio.run(run()) == ("2026-01-01", 5)


@pytest.mark.parametrize("slow", [0.0, 0.05])
def test_the_end_of_the_session_before_takes_nothing_from_the_next(tmp_path: Path, slow: float) -> None:
    """The log tells late that a session is over, when the same process has the next one's text already."""

    async def run() -> int:
        counters = MemoryCounters(slow=slow)
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        quota.begins(asks("1", 50, policy.DATA), session)
        await asyncio.sleep(0.005)
        await quota.happened(Outcome(7))
        assert await quota.ends(asks("1", 50), session) == verdicts.passes("fe1.1")
        await asyncio.sleep(2 * slow)
        return counters.days["acme"]

    assert asyncio.run(run()) == 50


def test_a_session_that_is_over_counts_no_more(tmp_path: Path) -> None:
    async def run() -> list[tuple[str, str]]:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        await text(quota, session, "1")
        for pid in (8, 7, 7):
            await quota.happened(Outcome(pid))
        return counters.left

    assert asyncio.run(run()) == [("acme", "fe1:7")]


def test_a_session_whose_text_never_ended_counts_no_more(tmp_path: Path) -> None:
    async def run() -> list[tuple[str, str]]:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        quota.begins(asks("1", 1, policy.DATA), session)
        await asyncio.sleep(0.005)
        await quota.happened(Outcome(7))
        return counters.left

    assert asyncio.run(run()) == [("acme", "fe1:7")]


def test_who_asks_no_more_counts_no_more(tmp_path: Path) -> None:
    """The process has ended, or this service does: the next one knows nothing of its sessions."""

    async def run() -> tuple[list[tuple[str, str]], set[int]]:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        await text(quota, session, "1")
        quota.gone(session)
        await asyncio.gather(*quota.running)
        return counters.left, set(quota.sessions)

    assert asyncio.run(run()) == ([("acme", "fe1:7")], set())
