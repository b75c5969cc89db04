"""Whom customers may write to no more: a hash a customer, from addresses in lower case to why and when."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner_store.store import Store

FRESH = 1.0
"""Seconds for which a list that was not there is taken not to be: so soon a first entry counts."""

AT_ONCE = 1000
"""Addresses that are under way to the store, or come from it, at a time: others want answers meanwhile."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Why an address is on a list; at: seconds since 1970."""

    reason: str
    at: int
    note: str = ""


class Suppressions:
    """The lists in the store. Every method that asks it raises StoreError when it can't be asked."""

    def __init__(self, store: Store, now: Callable[[], float] = time.monotonic) -> None:
        self._store, self._now = store, now
        self._empty: dict[str, float] = {}

    def has_none(self, customer: str) -> bool:
        """Whether it was seen within FRESH seconds that the customer has no list: most never have one."""
        return self._now() < self._empty.get(customer, 0.0)

    async def of(self, customer: str, address: str) -> Entry | None:
        """What a customer's list says of an address; None: it is not on it."""
        key = _key(customer)
        said, there = await asyncio.gather(
            self._store.call("HGET", key, address.lower()), self._store.call("EXISTS", key)
        )
        if there:
            self._empty.pop(customer, None)
        else:
            self._empty[customer] = self._now() + FRESH
        return Entry(*json.loads(said)) if said else None

    async def add(self, customer: str, entries: Sequence[Sequence[Any]]) -> int:
        """Put [address, reason, at, note] on a list; how many were not on it, the others stay as they are.

        What happened before an address was taken off the list by hand does not bring it back.
        """
        added = 0
        for start in range(0, len(entries), AT_ONCE):
            some = entries[start : start + AT_ONCE]
            pardons = await self._store.call("HMGET", _pardons(customer), *(each[0].lower() for each in some))
            commands = (
                self._store.call("HSETNX", _key(customer), address.lower(), json.dumps([reason, at, note]))
                for (address, reason, at, note), pardoned in zip(some, pardons, strict=True)
                if reason == "manual" or int(pardoned or 0) < at
            )
            added += sum(await asyncio.gather(*commands))
        return added

    async def remove(self, customer: str, addresses: Sequence[str], moment: float) -> list[str]:
        """Take addresses off a list, at a moment (seconds since 1970); those that were on it."""
        removed: list[str] = []
        for start in range(0, len(addresses), AT_ONCE):
            some = addresses[start : start + AT_ONCE]
            pardons = [part for address in some for part in (address.lower(), int(moment))]
            await self._store.call("HSET", _pardons(customer), *pardons)
            commands = (self._store.call("HDEL", _key(customer), address.lower()) for address in some)
            done = await asyncio.gather(*commands)
            removed += [address for address, was in zip(some, done, strict=True) if was]
        return removed

    async def every(self, customer: str) -> list[list[Any]]:
        """The whole list, as [address, reason, at, note]."""
        found: dict[str, list[Any]] = {}
        cursor = "0"
        while True:
            cursor, some = await self._store.call("HSCAN", _key(customer), cursor, "COUNT", AT_ONCE)
            found |= {address: json.loads(why) for address, why in zip(some[::2], some[1::2], strict=True)}
            if str(cursor) == "0":
                return [[address, *why] for address, why in found.items()]


def _key(customer: str) -> str:
    return f"suppressed:{customer}"


def _pardons(customer: str) -> str:
    """When addresses were taken off the list."""
    return f"pardoned:{customer}"
