"""The counting rules, over the fleet's own Valkey: any interleaving, repetitions, midnight, daylight saving.

The tests run the frontends' code here, and reach the store as a frontend does: through one, with its
certificate and password.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from provisioner_quota import verdicts
from provisioner_quota.counters import JOURNAL_KEPT, NO_LIMIT, SEEN_KEPT, SESSION_KEPT, Charge, Counters
from provisioner_quota.journal import Journal
from provisioner_quota.outage import Outage
from provisioner_quota.windows import windows
from provisioner_store.store import StoreError, connect

EXAMPLES = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
ROME = "Europe/Rome"
# Midnights at which a day of 24, of 23 and of 25 hours begins.
MIDNIGHTS = tuple(
    datetime(*day, tzinfo=ZoneInfo(ROME)).timestamp()
    for day in ((2026, 7, 1), (2026, 3, 29), (2026, 3, 30), (2026, 10, 25), (2026, 10, 26))
)
T = TypeVar("T")
_numbers = count()


class Customer:
    """A customer that nobody else counts for, on a plan; `charge` makes its messages."""

    def __init__(self, day: int, hour: int = NO_LIMIT) -> None:
        self.name = f"counting-{uuid4().hex[:12]}"
        self.limits = (day, hour, NO_LIMIT, NO_LIMIT)

    def charge(self, recipients: int, at: float, zone: str = ROME) -> Charge:
        """A new message at a moment."""
        found = windows(at, zone)
        number = next(_numbers)
        return Charge(
            customer=self.name,
            login=self.name,
            instance=f"{self.name}.{number}",
            session=f"fe{number % 2}:{number % 7}",
            recipients=recipients,
            day=found.day,
            hour=found.hour,
            at=at,
            limits=self.limits,
        )


class Rules(RuleBasedStateMachine):
    """What the store counts, held against a few lines that count the same."""

    store: Counters
    loop: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.customer = Customer(day=20, hour=12)
        self.now = MIDNIGHTS[0]
        self.counted: dict[str, Charge] = {}
        self.asked: list[Charge] = []

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(question)

    def sums(self, charge: Charge) -> tuple[int, int]:
        day = sum(each.recipients for each in self.counted.values() if each.day == charge.day)
        hour = sum(each.recipients for each in self.counted.values() if each.hour == charge.hour)
        return day, hour

    @rule(midnight=st.sampled_from(MIDNIGHTS), off=st.integers(-7300, 7300))
    def it_is(self, midnight: float, off: int) -> None:
        self.now = midnight + off

    @rule(recipients=st.integers(1, 9), higher=st.sampled_from((0, 0, 0, 15)))
    def a_message(self, recipients: int, higher: int) -> None:
        """higher: the plan was raised meanwhile."""
        day_limit, hour_limit, *_ = self.customer.limits
        self.customer.limits = (day_limit + higher, hour_limit + higher, NO_LIMIT, NO_LIMIT)
        self.judge(self.customer.charge(recipients, self.now))

    @rule(data=st.data())
    def the_same_again(self, data: st.DataObject) -> None:
        if self.asked:
            self.judge(data.draw(st.sampled_from(self.asked))._replace(limits=self.customer.limits))

    @rule(data=st.data())
    def a_backend_refuses(self, data: st.DataObject) -> None:
        if self.asked:
            charge = data.draw(st.sampled_from(self.asked))
            given_back = self.ask(self.store.refund(charge.instance))
            was = self.counted.pop(charge.instance, None)
            assert given_back == (was.recipients if was else 0)

    def judge(self, charge: Charge) -> None:
        day, hour = self.sums(charge)
        verdict, *seen = self.ask(self.store.reserve(charge))
        if charge.instance in self.counted:
            assert verdict == verdicts.OK
        elif day + charge.recipients > charge.limits[0]:
            assert verdict == verdicts.DAY
        elif hour + charge.recipients > charge.limits[1]:
            assert verdict == verdicts.HOUR
        else:
            assert verdict == verdicts.OK
            self.counted[charge.instance] = charge
        assert tuple(seen) == self.sums(charge)
        if charge not in self.asked:
            self.asked.append(charge)

    @invariant()
    def no_limit_is_passed(self) -> None:
        days = Counter[str]()
        for charge in self.counted.values():
            days[charge.day] += charge.recipients
        assert all(used <= self.customer.limits[0] for used in days.values())


def test_the_store_counts_as_the_rules_say(how_to_connect: dict[str, Any]) -> None:
    with asyncio.Runner() as runner:
        Rules.store, Rules.loop = Counters(connect(how_to_connect)), runner
        run_state_machine_as_test(Rules, settings=EXAMPLES)


@EXAMPLES
@given(
    sizes=st.lists(st.integers(1, 12), min_size=5, max_size=60),
    limit=st.integers(1, 100),
    order=st.randoms(use_true_random=False),
)
def interleave(how: dict[str, Any], sizes: list[int], limit: int, order: Any) -> None:
    """Messages of two frontends at once, each asked about twice: what fits is counted once, no more."""
    customer = Customer(day=limit)
    charges = [customer.charge(size, MIDNIGHTS[0] + 60) for size in sizes]
    twice = [*charges, *charges]
    order.shuffle(twice)

    async def race() -> list[tuple[int, int, int]]:
        frontends = [Counters(connect(how)) for _ in range(2)]
        return list(await asyncio.gather(*(frontends[n % 2].reserve(each) for n, each in enumerate(twice))))

    accepted = {
        each.instance: each.recipients
        for each, (verdict, *_) in zip(twice, asyncio.run(race()), strict=True)
        if verdict == verdicts.OK
    }
    total = sum(accepted.values())
    assert total <= limit
    # Whatever was refused did not fit then, and so does not fit now.
    assert all(total + each.recipients > limit for each in charges if each.instance not in accepted)


def test_frontends_that_ask_at_once_never_give_more_than_there_is(how_to_connect: dict[str, Any]) -> None:
    interleave(how_to_connect)


def test_both_hours_that_autumn_gives_twice_have_their_own_limit(how_to_connect: dict[str, Any]) -> None:
    customer = Customer(day=100, hour=10)
    zone = ZoneInfo(ROME)
    first, second = (datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=zone).timestamp() for fold in (0, 1))

    async def ask() -> list[int]:
        store = Counters(connect(how_to_connect))
        moments = (first, first, second, second)
        return [(await store.reserve(customer.charge(10, at)))[0] for at in moments]

    assert asyncio.run(ask()) == [verdicts.OK, verdicts.HOUR, verdicts.OK, verdicts.HOUR]


def test_a_message_of_a_journal_is_known_for_longer(how_to_connect: dict[str, Any]) -> None:
    """Counted once, though it was before the outage; a question that comes afterwards shortens nothing."""
    charge = Customer(day=100).charge(3, MIDNIGHTS[0])

    async def ask() -> list[int]:
        connection = connect(how_to_connect)
        store, kept = Counters(connection), []
        for seconds in (SEEN_KEPT, JOURNAL_KEPT, SEEN_KEPT):
            assert (await store.reserve(charge.unlimited(), seconds))[:2] == (verdicts.OK, 3)
            kept.append(await connection.call("TTL", f"seen:{charge.instance}"))
        return kept

    live, journalled, after = asyncio.run(ask())
    assert SEEN_KEPT - 60 < live <= SEEN_KEPT
    assert JOURNAL_KEPT - 60 < after <= journalled <= JOURNAL_KEPT


def test_messages_of_a_minute(how_to_connect: dict[str, Any]) -> None:
    customer = Customer(day=NO_LIMIT)
    customer.limits = (NO_LIMIT, NO_LIMIT, 2, NO_LIMIT)
    noon = MIDNIGHTS[0] + 43_200

    async def ask() -> list[int]:
        store = Counters(connect(how_to_connect))
        first = customer.charge(9, noon)
        charges = [first, customer.charge(1, noon + 59), first, customer.charge(1, noon + 59.9)]
        charges += [customer.charge(1, noon + 60), customer.charge(1, noon + 30)]
        return [(await store.reserve(each))[0] for each in charges]

    over = verdicts.MINUTE
    assert asyncio.run(ask()) == [verdicts.OK, verdicts.OK, verdicts.OK, over, verdicts.OK, over]


def test_sessions_at_once(how_to_connect: dict[str, Any]) -> None:
    """A session that ended counts no more, and neither does one that was silent for long."""
    customer = Customer(day=NO_LIMIT)
    customer.limits = (NO_LIMIT, NO_LIMIT, NO_LIMIT, 2)
    noon = MIDNIGHTS[0] + 43_200

    async def ask() -> list[int]:
        store = Counters(connect(how_to_connect))

        async def send(session: str, at: float) -> int:
            return (await store.reserve(customer.charge(1, at)._replace(session=session)))[0]

        found = [await send(session, noon) for session in ("fe1:1", "fe2:1", "fe1:2", "fe1:1")]
        await store.leave(customer.name, "fe2:1")
        found.append(await send("fe1:2", noon + 1))
        found.append(await send("fe2:1", noon + 2))
        found.append(await send("fe2:1", noon + SESSION_KEPT + 0.5))
        return found

    ok, over = verdicts.OK, verdicts.CONNECTIONS
    assert asyncio.run(ask()) == [ok, ok, over, ok, ok, over, ok]


def test_a_store_that_is_back_lacks_the_other_frontends_journal_for_a_while(
    how_to_connect: dict[str, Any], tmp_path: Path
) -> None:
    """Two frontends give away all that was left; only one has counted its journal when it is asked again."""
    limit = 20
    customer = Customer(day=limit)

    async def run() -> tuple[int, bool, int]:
        store = Counters(connect(how_to_connect))
        early, late = (Outage(store, Journal(tmp_path / name), 2, accepting=True) for name in ("1", "2"))
        accepted = 0
        for frontend in (early, late):
            frontend.lost(StoreError("gone"))
            while frontend.accept(customer.charge(1, MIDNIGHTS[0])) is None:
                accepted += 1
        watching = asyncio.ensure_future(early.watch())
        while early.away:
            await asyncio.sleep(0.05)
        fits = early.fits(customer.charge(1, MIDNIGHTS[0]))
        watching.cancel()
        _, counted, _ = await store.reserve(customer.charge(limit, MIDNIGHTS[0]))
        return accepted, fits, counted

    assert asyncio.run(run()) == (limit, False, limit // 2)
