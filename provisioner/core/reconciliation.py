"""What frontends counted, held against what backends' logs say they took: two witnesses. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from provisioner.core.customers import PROBE, Customer
from provisioner.core.fleet import Inventory
from provisioner.core.usage import Counts, counters, zone

FEWEST = 5
"""Recipients. Less is no alarm: a connection that breaks just after a message makes one or two."""


@dataclass(frozen=True)
class Tally:
    """Recipients: of messages that backends took, and of these delivered, and failed for good.

    repeated: how often one was named again in the same message, which has it delivered once.
    """

    taken: int = 0
    delivered: int = 0
    failed: int = 0
    repeated: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.taken + other.taken,
            self.delivered + other.delivered,
            self.failed + other.failed,
            self.repeated + other.repeated,
        )


@dataclass(frozen=True)
class LoginMail:
    """A login's mail in backends' logs: by the quarter of an hour (seconds since 1970) in which it was taken.

    senders: return path → messages, the busiest ones. bounced: recipients whose delivery failed for good →
    RFC 3463 code, what was said, when (seconds since 1970).
    """

    quarters: Mapping[int, Tally] = field(default_factory=dict)
    senders: Mapping[str, int] = field(default_factory=dict)
    bounced: Mapping[str, tuple[str, str, int]] = field(default_factory=dict)


Ledger = Mapping[str, LoginMail]
"""Login → its mail."""


@dataclass(frozen=True)
class Reconciled:
    """A customer's days: recipients that frontends counted, and what backends' logs say.

    Frontends count a recipient as often as it is named; backends take it once for each message.
    """

    customer: str
    counted: int
    taken: int
    delivered: int
    failed: int
    repeated: int = 0

    @property
    def waiting(self) -> int:
        """Recipients that are still in a queue."""
        return self.taken - self.delivered - self.failed

    @property
    def difference(self) -> int:
        """Counted more than taken: positive; taken without being counted: negative."""
        return self.counted - self.taken - self.repeated

    def is_off(self, percent: float) -> bool:
        """Whether the difference is an alarm: at least FEWEST, and above so many per cent of the counted."""
        return abs(self.difference) >= FEWEST and abs(self.difference) > self.counted * percent / 100


def together(ledgers: Iterable[Ledger]) -> Ledger:
    """What several backends tell, as one."""
    quarters: dict[str, dict[int, Tally]] = {}
    senders: dict[str, Counter[str]] = {}
    bounced: dict[str, dict[str, tuple[str, str, int]]] = {}
    for ledger in ledgers:
        for login, mail in ledger.items():
            mine = quarters.setdefault(login, {})
            for start, tally in mail.quarters.items():
                mine[start] = mine.get(start, Tally()) + tally
            senders.setdefault(login, Counter()).update(mail.senders)
            latest = bounced.setdefault(login, {})
            for recipient, why in mail.bounced.items():
                latest[recipient] = max(why, latest.get(recipient, why), key=lambda each: each[2])
    return {login: LoginMail(found, senders[login], bounced[login]) for login, found in quarters.items()}


def begins(inventory: Inventory, customers: Iterable[Customer], since: date) -> float:
    """The moment at which `since` begins for the first of these customers, in seconds since 1970."""
    zones = {zone(inventory, customer) for customer in customers} or {inventory.settings.time_zone}
    return min(datetime.combine(since, time(), ZoneInfo(name)).timestamp() for name in zones)


def by_customer(inventory: Inventory, ledger: Ledger) -> tuple[dict[str, list[LoginMail]], dict[str, int]]:
    """The ledger's mail by customer; and logins that are nobody's, with the recipients taken for them.

    A probe's login names its customer. A login of before is the customer's that had it last.
    """
    owners = {login: customer.name for customer in inventory.customers for login in customer.former_logins}
    owners |= {login: customer.name for customer in inventory.customers for login in customer.logins}
    names = {customer.name for customer in inventory.customers}
    mail: dict[str, list[LoginMail]] = {}
    strangers: dict[str, int] = {}
    for login, found in sorted(ledger.items()):
        owner = owners.get(login, login.partition(PROBE)[0])
        if owner in names:
            mail.setdefault(owner, []).append(found)
        else:
            strangers[login] = sum(tally.taken for tally in found.quarters.values())
    return mail, strangers


def reconcile(
    inventory: Inventory,
    customers: Iterable[Customer],
    counts: Mapping[str, Counts],
    mail: Mapping[str, Sequence[LoginMail]],
    since: date,
) -> list[Reconciled]:
    """Each customer's days from `since` on, in its time zone; the largest differences first."""
    found = [
        _one(
            customer.name,
            zone(inventory, customer),
            [counts[name] for name in counters(inventory, (customer,)) if name in counts],
            mail.get(customer.name, ()),
            since,
        )
        for customer in customers
    ]
    return sorted(found, key=lambda each: (-abs(each.difference), -each.counted, each.customer))


def _one(
    name: str, time_zone: str, counts: Sequence[Counts], logins: Sequence[LoginMail], since: date
) -> Reconciled:
    first = datetime.combine(since, time(), ZoneInfo(time_zone)).timestamp()
    tally = Tally()
    for mail in logins:
        for start, each in mail.quarters.items():
            if start >= first:
                tally += each
    days = [day for each in counts for day in each.days.items()]
    counted = sum(count for day, count in days if date.fromisoformat(day) >= since)
    return Reconciled(name, counted, tally.taken, tally.delivered, tally.failed, tally.repeated)
