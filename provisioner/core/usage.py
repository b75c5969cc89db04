"""What customers have sent of what their plans grant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from provisioner.core.customers import Account, Customer, today_in
from provisioner.core.fleet import Inventory


@dataclass(frozen=True)
class Counts:
    """Recipients that were counted: by day, newest first, and in the present hour."""

    days: Mapping[str, int]
    hour: int

    @property
    def today(self) -> int:
        """Recipients counted today."""
        return next(iter(self.days.values()), 0)


@dataclass(frozen=True)
class Ban:
    """Who is kept from a login for failed passwords: a source (address or network), or "*" for all new ones.

    failures: how many led to it; seconds: how long it still lasts.
    """

    login: str
    source: str
    failures: int
    seconds: int

    def __str__(self) -> str:
        who = "sources that were never used for it" if self.source == "*" else self.source
        return (
            f"{who} may not log in to {self.login} for {-(-self.seconds // 60)} min more: "
            f"{self.failures} failed passwords"
        )


@dataclass(frozen=True)
class Usage:
    """What a customer has used: its counts beside the limits that hold today, None where there is none.

    login: the account that is counted by itself, since it has a plan of its own; empty: all the others.
    """

    customer: str
    plan: str
    today: int
    day_limit: int | None
    this_hour: int
    hour_limit: int | None
    days: Mapping[str, int]
    login: str = ""

    @property
    def counter(self) -> str:
        """The name of the counter, which is the customer's or the account's own."""
        return f"{self.customer}/{self.login}" if self.login else self.customer

    @property
    def share(self) -> float:
        """How much of the day is used: 1.0 is all; 0 without a limit."""
        return self.today / self.day_limit if self.day_limit else 0.0


def usages(inventory: Inventory, counts: Mapping[str, Counts]) -> list[Usage]:
    """What each counted customer has used of its plan, and accounts of theirs; the fullest first."""
    found: list[Usage] = []
    for customer in inventory.customers:
        if customer.name in counts:
            limits = [holding(inventory, customer, f"recipients_per_{window}") for window in ("day", "hour")]
            found.append(_usage(customer.name, "", customer.plan, limits, counts[customer.name]))
        for account in customer.accounts:
            counter = customer.counter(account)
            if account.plan and counter in counts:
                plan = inventory.plans[account.plan]
                limits = [plan.recipients_per_day, plan.recipients_per_hour]
                found.append(_usage(customer.name, account.login, account.plan, limits, counts[counter]))
    return sorted(found, key=lambda usage: (-usage.share, -usage.today, usage.counter))


def _usage(customer: str, login: str, plan: str, limits: list[int | None], counts: Counts) -> Usage:
    day, hour = limits
    return Usage(customer, plan, counts.today, day, counts.hour, hour, counts.days, login)


def counters(inventory: Inventory, customers: Iterable[Customer]) -> dict[str, str]:
    """Everything that is counted of customers: the counter's name → the time zone of its days."""
    return {
        name: zone(inventory, customer)
        for customer in customers
        for name in (customer.name, *(customer.counter(each) for each in counted_apart(customer)))
    }


def counted_apart(customer: Customer) -> tuple[Account, ...]:
    """The accounts that are counted by themselves."""
    return tuple(account for account in customer.accounts if account.plan)


def zone(inventory: Inventory, customer: Customer) -> str:
    """The customer's time zone."""
    return customer.time_zone or inventory.settings.time_zone


def holding(inventory: Inventory, customer: Customer, limit: str, today: date | None = None) -> int | None:
    """The limit that holds today: an override's that has not ended, else the plan's."""
    day = today or today_in(zone(inventory, customer))
    override = customer.overrides.get(limit)
    if override is not None and override.holds(day):
        return override.value
    value: int | None = getattr(inventory.plans[customer.plan], limit)
    return value
