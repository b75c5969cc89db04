"""The quota service over counters in memory: what it does in which order, without a store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from provisioner_quota import policy, verdicts
from provisioner_quota.accounts import Account, Accounts
from provisioner_quota.counters import NO_LIMIT, SEEN_KEPT, Charge, Counters
from provisioner_quota.journal import Journal
from provisioner_quota.outage import Outage
from provisioner_quota.service import Quota, Session
from provisioner_store.store import StoreError
from provisioner_store.suppressions import Suppressions

MOMENT = 1767225600.0


@dataclass
class MemoryCounters:
    """Counts days only. kept: for how long messages are known.

    away: it does not answer; slow: seconds until it does.
    """

    days: dict[str, int] = field(default_factory=dict)
    seen: dict[str, Charge] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False
    slow: float = 0.0

    async def reserve(self, charge: Charge, kept: int = SEEN_KEPT) -> tuple[int, int, int]:
        """As the script does it when the question reaches the store; its answer takes time, or is lost."""
        answer = self._reserve(charge)
        self.kept[charge.instance] = kept
        await asyncio.sleep(self.slow)
        self._there()
        return answer

    def _reserve(self, charge: Charge) -> tuple[int, int, int]:
        self._there()
        used = self.days.get(charge.customer, 0)
        if charge.instance in self.seen:
            return verdicts.OK, used, used
        if charge.limits[0] != NO_LIMIT and used + charge.recipients > charge.limits[0]:
            return verdicts.DAY, used, used
        self.seen[charge.instance] = charge
        self.days[charge.customer] = used + charge.recipients
        return verdicts.OK, used + charge.recipients, used + charge.recipients

    async def refund(self, instance: str) -> int:
        """As the script does it."""
        self._there()
        charge = self.seen.pop(instance, None)
        if charge is None:
            return 0
        self.days[charge.customer] -= charge.recipients
        return charge.recipients

    async def leave(self, login: str, session: str) -> None:
        """Note it."""
        self.left.append((login, session))

    async def ping(self) -> None:
        """Whether it answers."""
        self._there()

    def _there(self) -> None:
        if self.away:
            raise StoreError("gone")


def service(counters: MemoryCounters, account: Account, journal: Path, *, accepting: bool = True) -> Quota:
    """The service, for which every login is the same account."""

    class Everybody:
        def get(self, _: str) -> Account:
            return account

    outage = Outage(cast(Counters, counters), Journal(journal), 1, accepting)
    return Quota(
        cast(Accounts, Everybody()),
        cast(Counters, counters),
        cast(Suppressions, None),
        outage,
        "fe1",
        "help@x",
        now=lambda: MOMENT,
    )


def asks(instance: str, recipients: int = 1, state: str = policy.END_OF_MESSAGE) -> policy.Request:
    """A question of Postfix."""
    return policy.Request(state, instance, "acme", recipients, 100, "203.0.113.7")


def begin(quota: Quota, request: policy.Request, session: Session) -> str | None:
    """A message's text begins, as a connection asks about it."""
    refusal = quota.begins(request, session)
    if refusal is None:
        quota.expects(request, session)
    return refusal


async def end(quota: Quota, request: policy.Request, session: Session) -> str | None:
    """A message's text has ended, as a connection asks about it."""
    said = quota.at_once(request, session)
    return said.action if said is not None else await quota.ends(request, session)


async def text(quota: Quota, session: Session, instance: str, recipients: int = 1) -> str | None:
    """A message whose text takes a moment: what is answered at its end."""
    begun = begin(quota, asks(instance, recipients, policy.DATA), session)
    await asyncio.sleep(0.005)
    return begun or await end(quota, asks(instance, recipients), session)
