"""Customers join and leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pydantic import ValidationError

from provisioner.core.customers import Account, Customer, Suspension
from provisioner.core.documents import model_problems
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.validation import conflicts
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
        customer = _customer(wanted, passwords.hash_password(password))
        taken = [message for _, message in conflicts(inventory, [(wanted.name, customer)])]
        if taken:
            raise UsageError(f"{wanted.name} was not added: {'; '.join(taken)}")
        announce(Added(customer, password, store.add_customer(customer)))
        grown = sorted((*inventory.customers, customer), key=lambda each: each.name)
        return _push(store, replace(inventory, customers=tuple(grown)), push)


def remove(
    store: TenantStore, name: str, push: TenantPush | None
) -> tuple[tuple[str, ...], PushReport | None]:
    """Remove a customer's files, and the customer from the hosts; the files' names, and how the push went.

    Its records in DNS stay: mail signed with its keys may still be on the way.
    Raises UsageError when there is no such customer.
    """
    with store.locked():
        inventory = store.load()
        customer = known(inventory, name)
        _no_dem_server(inventory, name)
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


def _customer(wanted: NewCustomer, password_hash: str) -> Customer:
    try:
        account = Account(login=wanted.login or wanted.name, password_hash=password_hash)
        return Customer(
            name=wanted.name,
            contact=wanted.contact,
            plan=wanted.plan,
            domains=wanted.domains,
            accounts=(account,),
            suspended=wanted.suspended,
        )
    except ValidationError as error:
        reasons = [problem.message for problem in model_problems(error, Customer, "")]
        raise UsageError(f"{wanted.name!r} was not added: {'; '.join(reasons)}") from error
