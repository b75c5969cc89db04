"""What is accepted while no store answers, and counted there once one does."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from provisioner_store.store import StoreError

from provisioner_quota import metrics, verdicts
from provisioner_quota.counters import JOURNAL_KEPT, NO_LIMIT, Charge, Counters
from provisioner_quota.journal import Journal

LOG = logging.getLogger("provisioner-quota")
RETRY = 1.0
"""Seconds between looks at a store that did not answer."""

SETTLE = 5.0
"""Seconds that a store which is back may lack what other frontends have in their journals."""


class Known(NamedTuple):
    """What was used of a customer's day and hour when that was last heard of."""

    day: str
    hour: str
    used: tuple[int, int]


class Outage:
    """Gives away this frontend's part of what was left of a customer's day and hour.

    Each message is journalled first. frontends: how many share what is left; accepting: False when mail is
    put off instead.
    """

    def __init__(self, counters: Counters, journal: Journal, frontends: int, accepting: bool) -> None:
        self._counters = counters
        self._journal = journal
        self._frontends = frontends
        self._accepting = accepting
        # A service that starts anew in an outage goes on with the parts that it has begun to give away.
        self._known = {
            charge.customer: Known(charge.day, charge.hour, used) for charge, used in journal.entries()
        }
        self._settled = 0.0
        self._owed: set[str] = set()
        self.away = journal.length > 0
        """Whether no store can be asked."""
        metrics.STORE_UP.set(not self.away)
        metrics.JOURNAL.set(journal.length)

    def lost(self, error: BaseException) -> None:
        """The store did not answer."""
        if not self.away:
            self.away = True
            metrics.STORE_UP.set(0)
            LOG.warning(
                "no counter store: %s; mail is %s", error, "journalled" if self._accepting else "deferred"
            )

    def owe(self, instance: str) -> None:
        """A message did not come that the lost store may have counted: given back once a store answers."""
        self._owed.add(instance)

    def fits(self, charge: Charge) -> bool:
        """Whether the store alone decides, or this frontend's part allows it besides."""
        return not self._settling() or self._in_part(charge)

    def answered(self, charge: Charge, verdict: int, used: tuple[int, int]) -> None:
        """The store has counted a message, or refused to; `used` of its customer's day and hour are."""
        if not self._settling():
            self._known[charge.customer] = Known(charge.day, charge.hour, used)
        elif verdict == verdicts.OK:
            self._known[charge.customer] = Known(charge.day, charge.hour, self._after(charge))

    def accept(self, charge: Charge) -> str | None:
        """The action without a store: None once the disk has the message."""
        if not self._accepting or not self._in_part(charge):
            return verdicts.UNKNOWN
        used = self._after(charge)
        try:
            self._journal.append(charge, used)
        except OSError:
            LOG.exception("the journal can't be written")
            return verdicts.UNKNOWN
        metrics.JOURNAL.set(self._journal.length)
        self._known[charge.customer] = Known(charge.day, charge.hour, used)
        return None

    async def watch(self) -> None:
        """While the store is away, look for it; once it is back, count the journal there."""
        while True:
            await asyncio.sleep(RETRY)
            if not self.away:
                continue
            try:
                await self._counters.ping()
                await self._replay()
            except StoreError:
                continue
            except Exception:
                # Nobody else looks for the store: mail would be journalled for ever.
                LOG.exception("the journal can't be counted")
                continue
            LOG.warning("the counter store is back")

    def _settling(self) -> bool:
        return asyncio.get_running_loop().time() < self._settled

    def _after(self, charge: Charge) -> tuple[int, int]:
        """What is used with this message, as if every other frontend accepted as much as this one does."""
        known = self._known.get(charge.customer) or Known("", "", (0, 0))
        day, hour = known.used
        more = charge.recipients * self._frontends
        return (
            (day if known.day == charge.day else 0) + more,
            (hour if known.hour == charge.hour else 0) + more,
        )

    def _in_part(self, charge: Charge) -> bool:
        pairs = zip(charge.limits[:2], self._after(charge), strict=True)
        return all(limit == NO_LIMIT or used <= limit for limit, used in pairs)

    async def _replay(self) -> None:
        done = 0
        while True:
            # First, as the journal may have the same message, which came in the end.
            for instance in tuple(self._owed):
                metrics.REFUNDS.inc(await self._counters.refund(instance))
                self._owed.discard(instance)
            charges = self._journal.charges()[done:]
            if not charges and not self._owed:
                break
            for charge in charges:
                await self._counters.reserve(charge.unlimited(), JOURNAL_KEPT)
                done += 1
        # No await since the last look at the journal: nothing can have been added.
        if self._journal.length:
            self._journal.clear()
            metrics.JOURNAL.set(0)
        self._settled = asyncio.get_running_loop().time() + SETTLE
        self.away = False
        metrics.STORE_UP.set(1)
