"""Who is banned for failed logins, and what support sees of it: the service over the fleet's store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any
from uuid import uuid4

from provisioner_quota.bans import EVERYBODY, MOST_AT_ACCOUNT, MOST_FROM_SOURCE, Bans
from provisioner_store.store import connect

_numbers = count(int(time.time()) % 200_000)


def source() -> str:
    """An address that no test has used in the last days."""
    number = next(_numbers)
    return f"240.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def login() -> str:
    return f"banned-{uuid4().hex[:12]}"


def run(how: dict[str, Any], use: Callable[[Bans], Awaitable[None]]) -> None:
    async def connected() -> None:
        await use(Bans(connect(how)))

    asyncio.run(connected())


def test_who_has_an_account_may_not_guess_at_others(how_to_connect: dict[str, Any]) -> None:
    """A right password in between does not make the wrong ones at other accounts undone."""
    attacker, own, others = source(), login(), [login() for _ in range(MOST_FROM_SOURCE)]

    async def use(bans: Bans) -> None:
        for other in others:
            assert not await bans.refused(own, attacker)
            await bans.failed(other, attacker, time.time())
            await bans.succeeded(own, attacker)
        assert await bans.refused(own, attacker)
        assert [ban["source"] for ban in await bans.of(others[0], time.time())] == [attacker]

    run(how_to_connect, use)


def test_who_mistypes_and_then_gets_it_right_begins_anew(how_to_connect: dict[str, Any]) -> None:
    client, own = source(), login()

    async def use(bans: Bans) -> None:
        for _ in range(3):
            for _ in range(MOST_FROM_SOURCE - 1):
                await bans.failed(own, client, time.time())
            await bans.succeeded(own, client)
        assert not await bans.refused(own, client)

    run(how_to_connect, use)


def test_whoever_is_refused_for_anothers_failures_is_told(how_to_connect: dict[str, Any]) -> None:
    """Customers behind one web server share its ban, and support may lift it for any of them."""
    shared, culprit, victim = source(), login(), login()

    async def use(bans: Bans) -> None:
        for _ in range(MOST_FROM_SOURCE):
            await bans.failed(culprit, shared, time.time())
        assert await bans.refused(victim, shared)
        assert await bans.of(victim, time.time()) == []
        await bans.note(victim, shared, time.time())
        (ban,) = await bans.of(victim, time.time())
        assert (ban["source"], ban["failures"]) == (shared, MOST_FROM_SOURCE)
        assert 800 < int(ban["seconds"]) <= 900
        assert await bans.lift(victim) == 1
        assert not await bans.refused(victim, shared)
        assert await bans.of(culprit, time.time()) == []

    run(how_to_connect, use)


def test_an_account_under_attack_is_closed_to_strangers_alone(how_to_connect: dict[str, Any]) -> None:
    known, stranger, own = source(), source(), login()

    async def use(bans: Bans) -> None:
        await bans.succeeded(own, known)
        for number in range(MOST_AT_ACCOUNT):
            assert not await bans.refused(own, stranger), number
            await bans.failed(own, source(), time.time())
        assert await bans.refused(own, stranger)
        assert not await bans.refused(own, known)
        assert not await bans.refused(login(), stranger)
        (ban,) = await bans.of(own, time.time())
        assert (ban["source"], ban["failures"]) == (EVERYBODY, MOST_AT_ACCOUNT)
        await bans.lift(own)
        assert not await bans.refused(own, stranger)

    run(how_to_connect, use)


def test_a_site_has_one_ipv6_network(how_to_connect: dict[str, Any]) -> None:
    network = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}"

    async def use(bans: Bans) -> None:
        for number in range(MOST_FROM_SOURCE):
            await bans.failed(login(), f"{network}::{number:x}", time.time())
        assert await bans.refused(login(), f"{network}:ffff::1")
        assert not await bans.refused(login(), "2001:db8:ffff:ffff:ffff::1")

    run(how_to_connect, use)
