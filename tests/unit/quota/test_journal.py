"""What is accepted without a store: on disk whatever happens to it, and counted once the store is back."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from provisioner_quota import outage as outages
from provisioner_quota import verdicts
from provisioner_quota.accounts import Account
from provisioner_quota.counters import JOURNAL_KEPT, Charge, Counters
from provisioner_quota.journal import Journal
from provisioner_quota.outage import Outage
from provisioner_quota.service import Session
from provisioner_store.store import StoreError

from tests.unit.quota.memory import MemoryCounters, asks, end, service, text

USED = (3, 3)
PLAN = Account("acme", "UTC", rejects=False, limits={"recipients_per_day": 100})


def charge(instance: str = "fe1.1") -> Charge:
    return Charge(
        "acme", "acme", instance, "fe1:7", 3, "2026-01-01", "1767225600", 1767225600.0, (1000, -1, 5, 2)
    )


def test_the_journal_outlives_the_service(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for name in ("fe1.1", "fe1.2"):
        journal.append(charge(name), USED)
    again = Journal(tmp_path / "journal")
    assert again.charges() == [charge("fe1.1"), charge("fe1.2")]
    assert again.length == 2
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600


@given(st.integers(0, 1000), st.integers(0, 3))
def test_wherever_a_crash_cuts_the_rest_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, later: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    whole = [charge(f"fe1.{number}") for number in range(3)]
    journal = Journal(path)
    for each in whole:
        journal.append(each, USED)
    os.truncate(path, min(cut, path.stat().st_size))
    kept = path.read_bytes().count(b"\n")
    again = Journal(path)
    for number in range(later):
        again.append(charge(f"fe2.{number}"), USED)
    expected = whole[:kept] + [charge(f"fe2.{number}") for number in range(later)]
    assert again.charges() == Journal(path).charges() == expected
    assert again.length == Journal(path).length == len(expected)


@pytest.mark.parametrize("bad", [b'{"customer": "ac{"customer": "acme"}', b"[]", b'{"limits": []}', b"\xff"])
def test_a_line_that_is_no_message_costs_no_other(
    tmp_path: Path, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    Journal(tmp_path / "journal").append(charge("fe1.1"), USED)
    with (tmp_path / "journal").open("ab") as file:
        file.write(bad + b"\n")
    journal = Journal(tmp_path / "journal")
    journal.append(charge("fe1.2"), USED)
    assert journal.charges() == [charge("fe1.1"), charge("fe1.2")]
    assert "line 2 of the journal" in caplog.text


def test_a_cleared_journal_takes_charges_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(charge("fe1.1"), USED)
    journal.clear()
    journal.append(charge("fe1.2"), USED)
    assert journal.charges() == [charge("fe1.2")]


def test_a_disk_that_takes_half_a_line_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = MemoryCounters(away=True)
    quota = service(counters, PLAN, tmp_path / "journal")
    write, session = os.write, Session(7, "fe1:7")

    async def run() -> list[str | None]:
        answers = [await text(quota, session, "1")]
        monkeypatch.setattr(os, "write", lambda file, line: write(file, line[: len(line) // 2]))
        answers.append(await text(quota, session, "2"))
        monkeypatch.setattr(os, "write", write)
        return [*answers, await text(quota, session, "3")]

    assert asyncio.run(run()) == [None, verdicts.UNKNOWN, None]
    assert [each.instance for each in Journal(tmp_path / "journal").charges()] == ["fe1.1", "fe1.3"]


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="broken"):
        journal.append(charge(), USED)
    assert (tmp_path / "journal").read_bytes() == b""


def test_the_store_is_looked_for_whatever_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while the journal is counted does not end the looking; the next try counts it."""
    monkeypatch.setattr(outages, "RETRY", 0.01)
    counters = MemoryCounters(away=True)
    quota = service(counters, PLAN, tmp_path / "journal")

    async def run() -> int:
        assert await text(quota, Session(7, "fe1:7"), "1", recipients=9) is None
        right, faults = counters.reserve, [OSError("no disk"), json.JSONDecodeError("no JSON", "", 0)]

        async def reserve(one: Charge, kept: int) -> tuple[int, int, int]:
            if faults:
                raise faults.pop()
            return await right(one, kept)

        monkeypatch.setattr(counters, "reserve", reserve)
        counters.away = False
        watching = asyncio.ensure_future(quota.outage.watch())
        async with asyncio.timeout(5):
            while quota.outage.away:
                await asyncio.sleep(0.01)
        watching.cancel()
        assert counters.kept == {"fe1.1": JOURNAL_KEPT}
        return counters.days["acme"]

    assert asyncio.run(run()) == 9
    assert (tmp_path / "journal").read_bytes() == b""


def test_a_service_that_starts_with_a_journal_says_so(tmp_path: Path) -> None:
    def told() -> tuple[float | None, float | None]:
        Outage(cast(Counters, MemoryCounters()), journal, 1, accepting=True)
        names = ("provisioner_quota_store_up", "provisioner_quota_journal_messages")
        up, messages = (REGISTRY.get_sample_value(name) for name in names)
        return up, messages

    journal = Journal(tmp_path / "journal")
    assert told() == (1, 0)
    journal.append(charge(), USED)
    assert told() == (0, 1)


def test_mail_is_put_off_where_that_is_wanted(tmp_path: Path) -> None:
    """fleet_without_counters: defer."""
    counters = MemoryCounters(away=True)
    quota = service(counters, PLAN, tmp_path / "journal", accepting=False)

    async def run() -> list[str | None]:
        session = Session(7, "fe1:7")
        answers = [await text(quota, session, "1")]
        assert quota.outage.away
        return [*answers, await end(quota, asks("2"), session)]

    assert asyncio.run(run()) == [verdicts.UNKNOWN, verdicts.UNKNOWN]
    assert (tmp_path / "journal").read_bytes() == b""


@pytest.mark.parametrize(("limits", "fit"), [((100, 20), 5), ((20, 100), 5), ((-1, 20), 5), ((-1, -1), 30)])
def test_each_frontend_gives_its_part_of_the_day_and_of_the_hour(
    tmp_path: Path, limits: tuple[int, int], fit: int
) -> None:
    """Of two frontends, when 10 were used before the store went away."""
    outage = Outage(cast(Counters, MemoryCounters()), Journal(tmp_path / "journal"), 2, accepting=True)

    async def run() -> tuple[int, str | None]:
        one = charge()._replace(recipients=1, limits=(*limits, -1, -1))
        outage.answered(one, verdicts.OK, (10, 10))
        outage.lost(StoreError("gone"))
        accepted = 0
        while accepted < 30 and outage.accept(one._replace(instance=f"fe1.{accepted}")) is None:
            accepted += 1
        return accepted, outage.accept(one._replace(instance="later", hour="1767229200"))

    accepted, later = asyncio.run(run())
    assert accepted == fit
    # The next hour is a new one; the day is not.
    assert (later is None) == (limits[0] != 20)


def test_a_service_that_starts_anew_in_an_outage_gives_no_part_twice(tmp_path: Path) -> None:
    def begun() -> Outage:
        return Outage(cast(Counters, MemoryCounters()), Journal(tmp_path / "journal"), 2, accepting=True)

    one = charge()._replace(recipients=1, limits=(20, -1, -1, -1))

    async def accepted(outage: Outage, name: str, most: int) -> int:
        said = [outage.accept(one._replace(instance=f"{name}.{number}")) for number in range(most)]
        return said.count(None)

    async def run() -> list[int]:
        first = begun()
        first.answered(one, verdicts.OK, (10, 10))
        first.lost(StoreError("gone"))
        return [await accepted(first, "fe1.1", 3), await accepted(begun(), "fe1.2", 30)]

    assert asyncio.run(run()) == [3, 2]
