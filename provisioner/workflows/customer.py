"""Customers join and leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import ValidationError

from provisioner.core.customers import Customer, Suspension
from provisioner.core.documents import model_problems
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import policy_of
from provisioner.core.newcomers import Newcomer, claims, conflicts
from provisioner.workflows.ports import Passwords, TenantStore
from provisioner.workflows.push import PushReport, TenantPush, push_tenants


@dataclass(frozen=True)
class NewCustomer:
    """What is asked for, as a person typed it. login: None takes the customer's name."""

    name: str
    contact: str
    domains: tuple[str, ...]
    plan: str = "base"
    login: str | None = None
    suspended: Suspension | None = None


@dataclass(frozen=True)
class Added:
    """A customer that was added. The password is nowhere else: only its hash is kept."""

    customer: Customer
    password: str
    file: str


def add(
    store: TenantStore,
    passwords: Passwords,
    wanted: NewCustomer,
    announce: Callable[[Added], None],
    push: TenantPush | None,
) -> PushReport | None:
    """Add a customer with one account, and bring it to the hosts; None when `push` is None.

    announce: told as soon as the customer is in the inventory, so that its password is not lost should the
    push fail. Raises UsageError when anything asked for is wrong or taken; nothing is changed then.
    """
    with store.locked():
        inventory = store.load()
        password = passwords.generate()
        customer = _customer(wanted, passwords.hash_password(password), inventory)
        announce(Added(customer, password, store.add_customer(customer)))
        grown = sorted((*inventory.customers, customer), key=lambda each: each.name)
        return _push(store, replace(inventory, customers=tuple(grown)), push)


def retirement(inventory: Inventory, customer: Customer) -> dict[str, timedelta]:
    """By domain that has keys, for how long its records stay once a rotation finds its customer gone."""
    ttl = timedelta(seconds=inventory.settings.dns_ttl)
    return {
        domain: policy_of(inventory, domain).retirement(ttl)
        for domain in customer.domains
        if inventory.keys_of(domain)
    }


def remove(
    store: TenantStore,
    name: str,
    push: TenantPush | None,
    announce: Callable[[Inventory, Customer], None] = lambda _, __: None,
) -> tuple[tuple[str, ...], PushReport | None]:
    """Remove a customer's file, and the customer from the hosts; the files' names, and how the push went.

    No host has its keys then. They retire, as mail signed with them may still be on the way: rotations see to
    the rest. announce: told before it is gone. Raises UsageError when there is no such customer.
    """
    with store.keys_locked(), store.locked():
        inventory = store.load()
        customer = known(inventory, name)
        _no_dem_server(inventory, name)
        announce(inventory, customer)
        files = store.remove_customer(customer)
        left = tuple(each for each in inventory.customers if each.name != name)
        return files, _push(store, replace(inventory, customers=left), push)


def _no_dem_server(inventory: Inventory, name: str) -> None:
    server = inventory.dem_server(name)
    if server is not None:
        hint = f"First: provisioner dem remove {name}"
        raise UsageError(f"{name} has a list server, {server.host}", hint=hint)


def known(inventory: Inventory, name: str) -> Customer:
    """The customer of that name. Raises UsageError when there is none."""
    customer = inventory.customer(name)
    if customer is None:
        raise UsageError(f"There is no customer {name!r}", hint="'provisioner customer list' has them all")
    return customer


def _push(store: TenantStore, inventory: Inventory, push: TenantPush | None) -> PushReport | None:
    return push_tenants(inventory, store.key_loader(inventory), push) if push else None


def _customer(wanted: NewCustomer, password_hash: str, inventory: Inventory) -> Customer:
    """The customer that is asked for. Raises UsageError with everything that is wrong with it."""
    login = wanted.login or wanted.name
    reasons: list[str] = []
    facts = {
        "name": wanted.name,
        "contact": wanted.contact,
        "plan": wanted.plan,
        "domains": wanted.domains,
        "accounts": [{"login": login, "password_hash": password_hash}],
        "suspended": wanted.suspended,
    }
    newcomer: Newcomer
    try:
        newcomer = customer = Customer.model_validate(facts)
    except ValidationError as error:
        reasons = [problem.message for problem in model_problems(error, Customer, "")]
        newcomer = claims(wanted.name, wanted.plan, wanted.domains, login)
    reasons += [message for _, message in conflicts(inventory, [(wanted.name, newcomer)])]
    if reasons:
        raise UsageError(f"{wanted.name!r} was not added: {'; '.join(reasons)}")
    return customer
