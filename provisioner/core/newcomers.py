"""What a new customer lays claim to, so that a fault in one thing hides no conflict over another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from provisioner.core import names


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
