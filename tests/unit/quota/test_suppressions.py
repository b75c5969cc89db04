"""Suppression lists as the quota service asks for them."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from provisioner_store.store import Store
from provisioner_store.suppressions import AT_ONCE, FRESH, Suppressions

TWO = [["Anna@b.example", "bounce", 1, "550"], ["c@b.example", "manual", 2, ""]]


class Hashes:
    """A store of hashes, and what it was asked."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    async def call(self, command: str, key: str, *arguments: Any) -> Any:  # noqa: PLR0911
        self.asked.append(command)
        on = self.hashes.get(key, {})
        if command == "HGET":
            return on.get(arguments[0])
        if command == "EXISTS":
            return int(bool(on))
        if command == "HMGET":
            return [on.get(field) for field in arguments]
        if command == "HSET":
            pairs = zip(arguments[::2], map(str, arguments[1::2]), strict=True)
            self.hashes.setdefault(key, {}).update(pairs)
            return len(arguments) // 2
        if command == "HDEL":
            return int(on.pop(arguments[0], None) is not None)
        if command == "HSETNX":
            on = self.hashes.setdefault(key, {})
            return int(on.setdefault(arguments[0], arguments[1]) is arguments[1])
        assert command == "HSCAN"
        return ["0", [part for pair in on.items() for part in pair]]


def test_a_list_is_kept_and_asked() -> None:
    async def use() -> None:
        lists = Suppressions(cast(Store, Hashes()))
        assert await lists.add("acme", TWO) == 2
        assert await lists.add("acme", [["anna@b.example", "manual", 9, ""]]) == 0
        found = await lists.of("acme", "ANNA@b.example")
        assert found is not None
        assert (found.reason, found.at, found.note) == ("bounce", 1, "550")
        assert await lists.of("globex", "anna@b.example") is None
        assert await lists.every("acme") == [["anna@b.example", *TWO[0][1:]], TWO[1]]
        assert await lists.remove("acme", ["c@b.example", "none@b.example"], 50.0) == ["c@b.example"]
        # What it was put there for does not bring it back, what happens later does; and so does a person.
        assert await lists.add("acme", [["c@b.example", "bounce", 50, ""]]) == 0
        assert await lists.add("acme", [["c@b.example", "bounce", 51, ""]]) == 1
        await lists.remove("acme", ["c@b.example"], 60.0)
        assert await lists.add("acme", [["c@b.example", "manual", 2, ""]]) == 1

    asyncio.run(use())


def test_more_than_go_at_a_time() -> None:
    lists = Suppressions(cast(Store, Hashes()))
    many = [[f"a{number}@b.example", "manual", 0, ""] for number in range(2 * AT_ONCE + 1)]
    assert asyncio.run(lists.add("acme", many)) == len(many)


def test_that_there_is_no_list_is_known_for_a_moment() -> None:
    async def use() -> None:
        moment = [100.0]
        lists = Suppressions(cast(Store, Hashes()), lambda: moment[0])
        assert not lists.has_none("acme")
        await lists.of("acme", "a@b.example")
        assert lists.has_none("acme")
        assert not lists.has_none("globex")
        await lists.add("acme", [["a@b.example", "manual", 0, ""]])
        moment[0] += FRESH
        assert not lists.has_none("acme")
        assert await lists.of("acme", "a@b.example") is not None
        assert not lists.has_none("acme")

    asyncio.run(use())
