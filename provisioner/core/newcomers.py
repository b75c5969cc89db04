"""Why new customers can't join; a fault in one thing hides no conflict over another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from provisioner.core import names
from provisioner.core.claims import own_names
from provisioner.core.fleet import Inventory


class Newcomer(Protocol):
    """What has to be free, or there: of a valid Customer, or of one that is wrong elsewhere (Claims)."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def plans(self) -> tuple[str, ...]:
        """The names of its plan and of its accounts' own."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Canonical."""

    @property
    def logins(self) -> tuple[str, ...]:
        """Those of its accounts."""


@dataclass(frozen=True)
class Claims:
    """What can be read of a customer that is wrong elsewhere. What can't be is empty: its model tells it."""

    name: str
    plans: tuple[str, ...]
    domains: tuple[str, ...]
    logins: tuple[str, ...]


def claims(name: str, plan: str, domains: Iterable[str], login: str) -> Claims:
    """What of this is valid by itself, in its canonical form."""
    return Claims(
        name=next(_valid(names.slug, [name]), ""),
        plans=tuple(_valid(names.slug, [plan] if plan else [])),
        domains=tuple(_valid(names.domain, domains)),
        logins=tuple(_valid(names.login, [login])),
    )


def _valid(read: Callable[[str], str], values: Iterable[str]) -> Iterator[str]:
    for value in values:
        try:
            yield read(value)
        except ValueError:
            continue


def conflicts(inventory: Inventory, newcomers: Sequence[tuple[str, Newcomer]]) -> list[tuple[str, str]]:
    """Why new customers can't join a valid inventory; empty when they can.

    newcomers: each with the place it comes from, as "line 7". Returns (place, what is wrong there).
    """
    taken = _Taken(inventory)
    found: list[tuple[str, str]] = []
    for place, customer in newcomers:
        found += [(place, message) for message in taken.objections(customer)]
        taken.add(place, customer)
    return found


class _Taken:
    """The names that are in use, and by whom."""

    def __init__(self, inventory: Inventory) -> None:
        self._plans = inventory.plans
        self._own = own_names(inventory.settings, inventory.hosts)
        self._names: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        self._logins: dict[str, str] = {}
        for customer in inventory.customers:
            self.add(f"customers/{customer.name}.yml", customer)

    def add(self, place: str, customer: Newcomer) -> None:
        self._names.setdefault(customer.name, place)
        for domain in customer.domains:
            self._domains.setdefault(domain, place)
        for login in customer.logins:
            self._logins.setdefault(login, place)

    def objections(self, customer: Newcomer) -> Iterator[str]:
        namesake = self._names.get(customer.name) if customer.name else None
        if namesake is not None:
            yield f"customer {customer.name!r} exists already, in {namesake}"
        for plan in dict.fromkeys(customer.plans):
            if plan not in self._plans:
                yield f"there is no plan {plan!r}; plans: {', '.join(self._plans)}"
        for kind, wanted, taken in (
            ("domain", customer.domains, self._domains),
            ("login", customer.logins, self._logins),
        ):
            for name in dict.fromkeys(wanted):
                if wanted.count(name) > 1:
                    yield f"{kind} {name!r} appears twice"
                elif name in taken and taken[name] == namesake:
                    continue  # follows from the name
                elif name in taken:
                    yield f"{kind} {name!r} is claimed by {taken[name]} already"
                elif kind == "domain" and name in self._own:
                    yield f"domain {name!r} is a name of the fleet itself"
