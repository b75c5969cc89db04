"""Counts in Valkey, each change one atomic script there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from provisioner_store.store import Argument, Script, Store

DAY_KEPT = 40 * 86_400
HOUR_KEPT = 2 * 86_400
SEEN_KEPT = 3_600
"""Seconds from a message's count, mostly as its text begins, in which it can be given back, and counts once
however often it is asked about: texts come in minutes, and Postfix repeats itself within one. Most of the
store's memory goes into these (`state_maxmemory`).
"""

JOURNAL_KEPT = 6 * 3_600
"""The same from each time that a message of a journal is added up: the store may go away again meanwhile."""

SESSION_KEPT = 600
"""Seconds after its last message that a session still counts, should its end have gone unnoticed."""

MANY = 1000
"""Counts that are asked for at once."""

NO_LIMIT = -1


class Charge(NamedTuple):
    """One message to be counted: for whom, in which windows, against which limits (NO_LIMIT: none).

    A tuple, since one is made for every question: a frozen dataclass takes several times as long.
    """

    customer: str
    login: str
    instance: str
    session: str
    recipients: int
    day: str
    hour: str
    at: float
    limits: tuple[int, int, int, int] = (NO_LIMIT,) * 4
    """Recipients a day, recipients an hour, messages a minute, sessions."""

    @property
    def keys(self) -> list[str]:
        """What the script works on: day, hour, minute, sessions, seen."""
        return [
            day_key(self.customer, self.day),
            hour_key(self.customer, self.hour),
            f"minute:{self.login}:{int(self.at) // 60}",
            f"sessions:{self.login}",
            f"seen:{self.instance}",
        ]

    def is_about(self, other: Charge) -> bool:
        """Whether both count the same message in the same windows: midnight may come while a text does."""
        return (self.instance, self.day, self.hour) == (other.instance, other.day, other.hour)

    def unlimited(self) -> Charge:
        """The same without limits: for what was accepted already."""
        return self._replace(limits=(NO_LIMIT,) * 4)


def day_key(customer: str, day: str) -> str:
    """The key of a customer's count of a day."""
    return f"day:{customer}:{day}"


def hour_key(customer: str, hour: str) -> str:
    """The key of a customer's count of an hour."""
    return f"hour:{customer}:{hour}"


class Counters:
    """The counts in a store. Every method raises StoreError when it can't be asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        scripts = Path(__file__).parent
        self._reserve = Script((scripts / "reserve.lua").read_text())
        self._refund = Script((scripts / "refund.lua").read_text())

    async def reserve(self, charge: Charge, kept: int = SEEN_KEPT) -> tuple[int, int, int]:
        """Count a message if it fits: verdict, recipients counted today, in this hour.

        kept: seconds for which the message is known again.
        """
        arguments: list[Argument] = [
            *(charge.at, charge.recipients, *charge.limits, charge.session, SESSION_KEPT),
            *(DAY_KEPT, HOUR_KEPT, kept),
        ]
        verdict, day, hour = await self._store.run(self._reserve, charge.keys, arguments)
        return verdict, day, hour

    async def refund(self, instance: str) -> int:
        """Take back what a message was counted for; the recipients, 0 when it was not counted."""
        return int(await self._store.run(self._refund, [f"seen:{instance}"], []))

    async def leave(self, login: str, session: str) -> None:
        """A session has ended."""
        await self._store.call("HDEL", f"sessions:{login}", session)

    async def counts(self, keys: Sequence[str]) -> list[int]:
        """The counts under these keys, 0 where there is none."""
        found: list[int] = []
        for start in range(0, len(keys), MANY):
            found += [
                int(count or 0) for count in await self._store.call("MGET", *keys[start : start + MANY])
            ]
        return found

    async def fullness(self) -> float:
        """How much of its memory the store uses: at 1 it counts no more. 0 where it has no limit."""
        lines = str(await self._store.call("INFO", "memory")).splitlines()
        said = dict(line.split(":", 1) for line in lines if ":" in line)
        most = int(said["maxmemory"])
        return int(said["used_memory"]) / most if most else 0.0

    async def ping(self) -> None:
        """Return when the store answers."""
        await self._store.call("PING")
