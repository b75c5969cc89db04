"""A login that exists while it is needed: so the tool sends as a customer whose password nobody keeps."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from provisioner.core.customers import PROBE, Account, Customer
from provisioner.core.fleet import Inventory
from provisioner.workflows.ports import Passwords
from provisioner.workflows.push import TenantPush, push_tenants


@dataclass(frozen=True)
class Login:
    """A name and its password."""

    name: str
    password: str


@contextmanager
def temporary_login(
    inventory: Inventory,
    customer: Customer,
    passwords: Passwords,
    keys: Callable[[str], bytes],
    push: TenantPush,
) -> Iterator[Login]:
    """A login of `customer` on every frontend, for as long as the context lasts.

    The inventory never holds it: it is pushed with the tenants and taken away by pushing them without
    it, which the next push of anything would do as well. Raises HostsFailed when a host does not take it.
    """
    login = Login(f"{customer.name}{PROBE}{secrets.token_hex(4)}", passwords.generate())
    account = Account(login=login.name, password_hash=passwords.hash_password(login.password))
    with_probe = replace(
        inventory,
        customers=tuple(
            each.model_copy(update={"accounts": (*each.accounts, account)})
            if each.name == customer.name
            else each
            for each in inventory.customers
        ),
    )
    try:
        push_tenants(with_probe, keys, push).require_all()
        yield login
    finally:
        push_tenants(inventory, keys, push).require_all()
