"""Which of the failures that backends found belong on customers' suppression lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from provisioner.core.bounce_kinds import Kind, classify
from provisioner.core.fleet import Inventory
from provisioner.core.plans import Suppression
from provisioner.core.suppression import NOTE_LENGTH, Entry, Reason, entry


@dataclass(frozen=True)
class Bounce:
    """A recipient whose delivery failed for good. dsn: RFC 3463 code; said: what the server answered."""

    login: str
    recipient: str
    dsn: str
    said: str
    at: datetime


def to_suppress(inventory: Inventory, bounces: Iterable[Bounce]) -> Mapping[str, list[Entry]]:
    """By customer, what belongs on its suppression list: recipients that are gone, each once, the latest.

    Customers whose plan looks at no list are left out.
    """
    owners = {
        account.login: customer.name
        for customer in inventory.customers
        for account in customer.accounts
        if inventory.plan_of(customer, account).suppression is not Suppression.OFF
    }
    found: dict[str, dict[str, Entry]] = {}
    for each in sorted(bounces, key=lambda one: one.at):
        if each.login not in owners or classify(each.dsn, each.said) is not Kind.HARD:
            continue
        try:
            wanted = entry(each.recipient, Reason.BOUNCE, each.at, f"{each.dsn} {each.said}"[:NOTE_LENGTH])
        except ValueError:  # no address that anybody could be written to at again
            continue
        found.setdefault(owners[each.login], {})[wanted.address] = wanted
    return {customer: list(entries.values()) for customer, entries in found.items()}
