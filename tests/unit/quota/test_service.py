"""What the quota service counts and gives back, in whatever order it learns of things."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from provisioner_quota import outage as outages
from provisioner_quota import policy, verdicts
from provisioner_quota.accounts import Account
from provisioner_quota.connection import Connection
from provisioner_quota.outcomes import Outcome
from provisioner_quota.service import Quota, Session

from tests.unit.quota.memory import MOMENT, MemoryCounters, asks, begin, end, service, text

PLAN = Account("acme", "UTC", rejects=False, limits={"recipients_per_day": 100})


async def returned(quota: Quota) -> None:
    """Wait until the store, which answers again, has what it missed."""
    watching = asyncio.ensure_future(quota.outage.watch())
    async with asyncio.timeout(5):
        while quota.outage.away:
            await asyncio.sleep(0.01)
    watching.cancel()


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
        begin(quota, asks("2", 9, policy.DATA), session)  # too long: nobody asks about its end
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
        begin(quota, asks("1", 5, policy.DATA), session)
        await asyncio.sleep(0.005)
        assert counters.seen["fe1.1"].day == "2025-12-31"
        quota.now = lambda: MOMENT + 1
        assert await end(quota, asks("1", 5), session) == verdicts.passes("fe1.1")
        return counters.seen["fe1.1"].day, counters.days["acme"]

    assert asyncio.run(run()) == ("2026-01-01", 5)


@pytest.mark.parametrize("slow", [0.0, 0.05])
def test_the_end_of_the_session_before_takes_nothing_from_the_next(tmp_path: Path, slow: float) -> None:
    """The log tells late that a session is over, when the same process has the next one's text already."""

    async def run() -> int:
        counters = MemoryCounters(slow=slow)
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        begin(quota, asks("1", 50, policy.DATA), session)
        await asyncio.sleep(0.005)
        await quota.happened(Outcome(7))
        assert await end(quota, asks("1", 50), session) == verdicts.passes("fe1.1")
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
        begin(quota, asks("1", 1, policy.DATA), session)
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


@pytest.mark.parametrize("again", [(), (policy.DATA,)])
def test_what_is_given_back_over_one_connection_is_counted_over_the_next(
    tmp_path: Path, again: tuple[str, ...]
) -> None:
    """smtpd takes a new connection in the middle of a message: all questions, or the last, come there."""

    async def run() -> int:
        counters = MemoryCounters(slow=0.02)
        quota = service(counters, PLAN, tmp_path / "journal")
        before = quota.sessions[7] = Session(7, "fe1:7")
        begin(quota, asks("1", 5, policy.DATA), before)
        await asyncio.sleep(0.005)
        quota.gone(before)
        after = quota.sessions[7] = Session(7, "fe1:7")
        for state in again:
            begin(quota, asks("1", 5, state), after)
            await asyncio.sleep(0.005)
        assert await end(quota, asks("1", 5), after) == verdicts.passes("fe1.1")
        await asyncio.sleep(0.1)
        return counters.days["acme"]

    assert asyncio.run(run()) == 5


def test_a_connection_ends_the_one_before_of_the_same_process(tmp_path: Path) -> None:
    """Though the end of that one is seen only later."""

    async def question(writer: asyncio.StreamWriter, reader: asyncio.StreamReader, state: str) -> bytes:
        text = f"protocol_state={state}\ninstance=1\nsasl_username=acme\nrecipient_count=5\n\n"
        writer.write(text.encode())
        return await reader.readuntil(b"\n\n")

    async def run() -> tuple[bytes, int]:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        path = str(tmp_path / "socket")
        server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(quota), path)
        reader, old = await asyncio.open_unix_connection(path)
        await question(old, reader, policy.DATA)
        await asyncio.sleep(0.02)
        other, new = await asyncio.open_unix_connection(path)
        said = await question(new, other, policy.END_OF_MESSAGE)
        old.close()
        await asyncio.sleep(0.02)
        new.close()
        server.close()
        return said, counters.days["acme"]

    said, counted = asyncio.run(run())
    assert said == policy.answer(verdicts.passes("fe1.1"))
    assert counted == 5


@pytest.mark.parametrize(
    ("comes", "accepting", "counted"), [(False, True, 0), (True, True, 5), (True, False, 0)]
)
def test_what_a_lost_store_had_counted_is_given_back_once_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comes: bool, accepting: bool, counted: int
) -> None:
    """comes: the same message's end is asked about after all; accepting: it is taken without a store."""
    monkeypatch.setattr(outages, "RETRY", 0.01)

    async def run() -> int:
        counters = MemoryCounters(slow=0.02)
        quota = service(counters, PLAN, tmp_path / "journal", accepting=accepting)
        session = quota.sessions[7] = Session(7, "fe1:7")
        begin(quota, asks("1", 5, policy.DATA), session)
        await asyncio.sleep(0.01)
        counters.away = True
        assert counters.days["acme"] == 5
        if comes:
            assert (await end(quota, asks("1", 5), session) is None) == accepting
        quota.gone(session)
        while quota.running:
            await asyncio.wait(quota.running)
        counters.away = False
        await returned(quota)
        return counters.days["acme"]

    assert asyncio.run(run()) == counted


def test_a_message_that_was_to_be_given_back_and_came_after_all_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a new connection, when the store was lost already: the journal has it."""
    monkeypatch.setattr(outages, "RETRY", 0.01)

    async def run() -> int:
        counters = MemoryCounters(slow=0.02)
        quota = service(counters, PLAN, tmp_path / "journal")
        session = quota.sessions[7] = Session(7, "fe1:7")
        begin(quota, asks("1", 5, policy.DATA), session)
        await asyncio.sleep(0.01)
        counters.away = True
        quota.gone(session)
        assert await end(quota, asks("1", 5), Session(7, "fe1:7")) is None
        counters.away = False
        await returned(quota)
        return counters.days["acme"]

    assert asyncio.run(run()) == 5


def test_a_refusal_that_a_lost_store_did_not_hear_of_is_given_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "RETRY", 0.01)

    async def run() -> int:
        counters = MemoryCounters()
        quota = service(counters, PLAN, tmp_path / "journal")
        await text(quota, Session(7, "fe1:7"), "1", recipients=5)
        counters.away = True
        await quota.happened(Outcome(7, "fe1.1"))
        counters.away = False
        await returned(quota)
        return counters.days["acme"]

    assert asyncio.run(run()) == 0
