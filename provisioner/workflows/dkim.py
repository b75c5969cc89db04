"""DKIM keys of a domain: whose it is, its first keys, and what the world sees of those it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioner.core import names
from provisioner.core.checks import check_dkim
from provisioner.core.dkim import Algorithm, DkimKey, KeyState
from provisioner.core.errors import UsageError
from provisioner.core.findings import Finding
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import Action
from provisioner.core.records import FIRST_SLOT, dkim_needed, selector
from provisioner.workflows.new_keys import generate as make_keys
from provisioner.workflows.ports import KeyMaker, Resolver, TenantStore
from provisioner.workflows.transitions import Transition


@dataclass(frozen=True)
class Generated:
    """The keys made, and the domain's keys that were there before."""

    made: tuple[DkimKey, ...]
    kept: tuple[DkimKey, ...]


def owned(inventory: Inventory, domain: str) -> str:
    """The canonical name of a customer's domain. Raises UsageError when it is none."""
    try:
        name = names.domain(domain)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if inventory.owner(name) is None:
        raise UsageError(f"{name} belongs to no customer", hint="'provisioner customer list' has all domains")
    return name


def with_keys(inventory: Inventory, domain: str) -> str:
    """The canonical name of a domain that is a customer's, or was and still has keys. Raises UsageError."""
    lower = domain.lower().rstrip(".")
    return lower if inventory.keys_of(lower) else owned(inventory, domain)


def generate(
    store: TenantStore,
    make: KeyMaker,
    domain: str,
    now: datetime,
    audit: Callable[[Sequence[Transition]], None] = lambda _: None,
    why: str = "",
) -> Generated:
    """Make the RSA and the Ed25519 key of a domain that has none.

    audit: told before they are there. Raises UsageError when the domain belongs to no customer.
    """
    with store.keys_locked(), store.locked():
        inventory = store.load()
        name = owned(inventory, domain)
        kept = inventory.keys_of(name)
        taken = {key.selector for key in kept}
        # What a run that was stopped left half made is completed; to imported keys nothing is added: a slot's
        # keys have one life.
        if not taken <= {selector(algorithm, FIRST_SLOT) for algorithm in Algorithm}:
            return Generated((), kept)
        if len(taken) < len(Algorithm):
            audit([Transition(name, FIRST_SLOT, Action.GENERATE, KeyState.GENERATED, now, why)])
        return Generated(make_keys(store, make, name, FIRST_SLOT, now, taken), kept)


def verify(inventory: Inventory, domain: str, resolver: Resolver) -> tuple[Finding, ...]:
    """What every server says about each key of a domain that verifiers may ask for."""
    found: list[Finding] = []
    for key in inventory.keys_of(domain):
        if key.state is not KeyState.REVOKED:
            wanted = dkim_needed(inventory, key)
            found += check_dkim(key, wanted, resolver.lookup_all(wanted.name, "TXT"))
    return tuple(found)
