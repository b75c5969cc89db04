"""A login that exists while it is needed: so the tool sends as a customer whose password nobody keeps."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from provisioner.core.customers import PROBE, Account
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Inventory
from provisioner.workflows.customer import known
from provisioner.workflows.ports import Passwords, TenantStore
from provisioner.workflows.push import PushReport, TenantPush, push_tenants


@dataclass(frozen=True)
class Login:
    """A name and its password."""

    name: str
    password: str


@contextmanager
def temporary_login(
    store: TenantStore,
    customer: str,
    passwords: Passwords,
    push: TenantPush,
    tell: Callable[[str], None],
) -> Iterator[Login]:
    """A login of a customer on the fleet's frontends, for as long as the context lasts.

    The inventory never holds it: it is pushed with the tenants of that moment, and taken away by pushing
    those of the end without it, which the next push of anything would do as well. A frontend and a backend
    are enough to send; `tell` hears of the others that do not take it.

    Raises HostsFailed when no frontend or no backend takes it, or when one that did is not rid of it.
    """
    login = Login(f"{customer}{PROBE}{secrets.token_hex(4)}", passwords.generate())
    account = Account(login=login.name, password_hash=passwords.hash_password(login.password))

    def bring(*accounts: Account) -> tuple[Inventory, PushReport]:
        with store.locked():
            inventory = store.load()
            wanted = _with_accounts(inventory, customer, accounts) if accounts else inventory
            return inventory, push_tenants(wanted, store.key_loader(inventory), push)

    taken: set[str] = set()
    try:
        inventory, report = bring(account)
        taken = {result.host for result in report.results if result.ok}
        _require_a_way(inventory, report)
        for result in report.results:
            if not result.ok:
                tell(f"{result.host} takes no part: {result.message}")
        yield login
    finally:
        _, report = bring()
        having = tuple(result for result in report.results if result.host in taken)
        PushReport(report.version, having).require_all()


def _with_accounts(inventory: Inventory, customer: str, accounts: Sequence[Account]) -> Inventory:
    """The inventory with some accounts more."""
    owner = known(inventory, customer)
    customers = tuple(
        each.model_copy(update={"accounts": (*each.accounts, *accounts)}) if each is owner else each
        for each in inventory.customers
    )
    return replace(inventory, customers=customers)


def _require_a_way(inventory: Inventory, report: PushReport) -> None:
    """Raise HostsFailed unless a frontend and a backend have the bundle."""
    said = {result.host: result for result in report.results}
    for group in ("frontends", "backends"):
        results = [said[host.name] for host in inventory.group(group)]
        if not any(result.ok for result in results):
            told = "; ".join(f"{result.host}: {result.message}" for result in results)
            raise HostsFailed(
                f"None of the {group} took the tenant bundle: {told}",
                hint="'provisioner status' shows which hosts are well",
            )
