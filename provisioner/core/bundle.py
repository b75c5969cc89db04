"""The tenant bundle: what frontends and backends have to know of customers, compiled from the inventory.

Pure and deterministic: the same inventory gives the same bytes and the same version, in whatever order its
files were read, so a host that has the version has everything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from provisioner.core.customers import Customer
from provisioner.core.dkim import DkimKey, KeyState
from provisioner.core.fleet import Inventory
from provisioner.core.grants import content_rules, grant
from provisioner.core.key_slots import HELD
from provisioner.core.list_posts import post_domains
from provisioner.core.return_paths import bounce_accounts, return_keys

VERSION_LENGTH = 16


@dataclass(frozen=True)
class Bundle:
    """A compiled bundle.

    version: hex digits of a hash over all files of both sides.
    frontend, backend: file name → content; each side has a file `version` as well.
    keys: ids of the private keys that backends must hold for it.
    """

    version: str
    frontend: Mapping[str, bytes]
    backend: Mapping[str, bytes]
    keys: frozenset[str]


def compile_bundle(inventory: Inventory) -> Bundle:
    """The bundle of an inventory. Keys of domains that no customer claims are left out."""
    active: dict[str, list[DkimKey]] = {}
    spare: dict[str, list[DkimKey]] = {}
    for key in inventory.keys:
        if key.state is KeyState.ACTIVE:
            active.setdefault(key.domain, []).append(key)
        elif key.state in HELD:
            spare.setdefault(key.domain, []).append(key)

    passwd: list[str] = []
    senders: list[str] = []
    domains: list[str] = []
    key_ids: set[str] = set()
    accounts: list[str] = []
    spread = inventory.egress_pools
    for customer in inventory.customers:
        for account in customer.accounts:
            its_plan = inventory.plan_of(customer, account)
            facts = grant(customer, account, its_plan, inventory.settings.time_zone)
            accounts.append(f"{account.login} {_compact(facts)}")
        rules = content_rules(customer, inventory.plans, inventory.settings.time_zone)
        if spread and (pools := _pools(inventory, customer, spread)):
            rules["pools"] = pools
        passwd += [f"{account.login}:{account.dovecot_hash}::::::" for account in customer.accounts]
        for domain in customer.domains:
            logins = customer.logins_for(domain)
            if not logins:
                continue
            keys = sorted(active.get(domain, ()), key=lambda key: key.selector)
            held = sorted(key.id for key in spare.get(domain, ()))
            senders.append(f"@{domain} {','.join(logins)}")
            domains.append(f"{domain} {_domain_facts(logins, keys, held, rules)}")
            key_ids.update(held, (key.id for key in keys))

    # Who mail from outside may be for.
    inbound = {"returns": _lines(return_keys(inventory)), "posts": _lines(post_domains(inventory))}
    frontend = {"accounts": _lines(accounts), "passwd": _lines(passwd), "senders": _lines(senders)} | inbound
    backend = {"bounces": _lines(bounce_accounts(inventory)), "domains": _lines(domains)} | inbound
    version = _version(frontend, backend)
    stamp = {"version": f"{version}\n".encode()}
    return Bundle(version, frontend | stamp, backend | stamp, frozenset(key_ids))


def _pools(inventory: Inventory, customer: Customer, spread: Collection[str]) -> dict[str, str]:
    """The logins whose mail leaves from other addresses than the first, and from which pool's."""
    pools = {each.login: inventory.plan_of(customer, each).egress_pool for each in customer.accounts}
    return {login: pool for login, pool in sorted(pools.items()) if pool in spread}


def _domain_facts(
    logins: tuple[str, ...], keys: list[DkimKey], held: list[str], rules: Mapping[str, object]
) -> str:
    facts: dict[str, object] = {
        "logins": list(logins),
        "keys": [{"selector": k.selector, "key": k.id, "algorithm": k.algorithm.value} for k in keys],
        **rules,
    }
    if held:
        facts["held"] = [{"key": key} for key in held]  # on the signer, not used: those that come, and retire
    return _compact(facts)


_compact = json.JSONEncoder(separators=(",", ":")).encode


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in sorted(lines)).encode()


def _version(frontend: Mapping[str, bytes], backend: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for side, files in (("backend", backend), ("frontend", frontend)):
        for name, content in sorted(files.items()):
            # The length keeps two files apart whose contents could otherwise run into each other.
            digest.update(f"{side}/{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:VERSION_LENGTH]
