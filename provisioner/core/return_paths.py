"""What hosts have to know of the return paths that accounts have in the fleet's bounce domain. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from provisioner.core.customers import Account, Customer
from provisioner.core.fleet import Inventory
from provisioner.core.plans import Suppression


def return_keys(inventory: Inventory) -> list[str]:
    """Lines of the map that Postfix looks at: `<login>.<tag> <login>`."""
    return [f"{account.login}.{account.return_tag} {account.login}" for _, account in _tagged(inventory)]


def bounce_accounts(inventory: Inventory) -> list[str]:
    """Lines for backends' bounce service: `<login> {"customer", "tag", "host"}`, JSON.

    host: the address of the account's list server, null where it has none. Where the account's plan looks at
    no suppression list, `suppression` says so.
    """
    lines = []
    for customer, account in _tagged(inventory):
        server = inventory.dem_host(account.login)
        facts = {
            "customer": customer.name,
            "tag": account.return_tag,
            "host": None if server is None else str(server.address),
        }
        suppression = inventory.plan_of(customer, account).suppression
        if suppression is Suppression.OFF:
            facts["suppression"] = suppression.value
        lines.append(f"{account.login} {json.dumps(facts, separators=(',', ':'))}")
    return lines


def any_path(inventory: Inventory) -> str | None:
    """A return path in the bounce domain that an account has; None where no account has one."""
    for _, account in _tagged(inventory):
        return f"{account.login}.probe.{account.return_tag}@{inventory.settings.bounce_domain}"
    return None


def _tagged(inventory: Inventory) -> Iterator[tuple[Customer, Account]]:
    for customer in inventory.customers:
        for account in customer.accounts:
            if account.return_tag is not None:
                yield customer, account
