"""What a broken zone is: of a customer, an egress address or a fleet; a change, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Changes = Mapping[str, tuple[str, ...]]
"""'name TYPE' → values in zone file form; none: they are gone. Names without a final dot are relative."""


@dataclass(frozen=True)
class Told:
    """A finding that has to be there: which check, how it came out, a part of what was seen."""

    id: str
    status: str
    seen: str


@dataclass(frozen=True)
class Animal:
    """A customer's domain. `told`: every finding that does not pass, nothing for a sound one.

    changes: {D} is the domain, {Z} the zoo's zone, {E} another organisation's. parent: which of them it is
    in. strength: of its RSA key, in bits.
    """

    name: str
    told: tuple[Told, ...] = ()
    changes: Changes = field(default_factory=dict)
    subdomains: bool = False
    parent: str = "{Z}"
    strength: int = 2048


@dataclass(frozen=True)
class Stable:
    """A fleet by itself, {F} its zone, {A} its backend's address, {SPF} what its SPF record lets send."""

    name: str
    told: tuple[Told, ...] = ()
    changes: Changes = field(default_factory=dict)


@dataclass(frozen=True)
class Perch:
    """An egress address of a backend of that name, {H} its full name, {R} its reverse name."""

    name: str
    told: tuple[Told, ...] = ()
    changes: Changes = field(default_factory=dict)
    six: bool = False
