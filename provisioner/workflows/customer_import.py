"""Many customers at once: all or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import cpu_count

from provisioner.core.customer_import import Row, parse
from provisioner.core.customers import Customer
from provisioner.core.errors import InventoryError
from provisioner.workflows.ports import Passwords, TenantStore
from provisioner.workflows.push import PushReport, TenantPush, push_tenants

Progress = Callable[[str, int], None]
"""Told a stage and how many customers it has done."""


@dataclass(frozen=True)
class NewPassword:
    """The password that an account was given; kept nowhere else."""

    name: str
    login: str
    password: str


def import_customers(
    store: TenantStore,
    passwords: Passwords,
    text: str,
    file: str,
    announce: Callable[[Sequence[NewPassword]], None],
    push: TenantPush | None,
    progress: Progress,
) -> tuple[tuple[Customer, ...], PushReport | None]:
    """Add every customer of a table (see `core.customer_import`), or none; then push once.

    announce: told the new passwords before anything is written; what it raises ends the import.
    Raises InventoryError with every fault, nothing changed.
    """
    with store.locked():
        inventory = store.load()
        rows, faults = parse(text, file, inventory)
        if faults:
            raise InventoryError(faults, "The table")
        made = {row.customer.name: passwords.generate() for row in rows if row.needs_password}
        customers = _with_hashes(rows, made, passwords, progress)
        announce([NewPassword(c.name, c.logins[0], made[c.name]) for c in customers if c.name in made])
        store.add_customers(customers)
        progress("written", len(customers))
        grown = tuple(sorted((*inventory.customers, *customers), key=lambda each: each.name))
        whole = replace(inventory, customers=grown)
        return customers, push_tenants(whole, store.key_loader(whole), push) if push else None


def _with_hashes(
    rows: Sequence[Row], made: dict[str, str], passwords: Passwords, progress: Progress
) -> tuple[Customer, ...]:
    def finished(row: Row) -> Customer:
        password = made.get(row.customer.name)
        if password is None:
            return row.customer
        account = row.customer.accounts[0]
        hashed = account.model_copy(update={"password_hash": passwords.hash_password(password)})
        return row.customer.model_copy(update={"accounts": (hashed,)})

    customers: list[Customer] = []
    # A hash costs 20 ms of CPU on purpose, outside Python's lock.
    with ThreadPoolExecutor(cpu_count() or 2) as pool:
        for customer in pool.map(finished, rows):
            customers.append(customer)
            progress("passwords", len(customers))
    return tuple(customers)
