"""A copy of the lab's inventory with many domains more, each a customer's own, all with the same keys."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import lab
from provisioner.adapters import dkim_keys
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import wiring
from provisioner.core.dkim import Algorithm, DkimKey, KeyState
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import COMING, LEAVING
from provisioner.core.records import selector

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def customer(path: Path, name: str, domains: Sequence[str], plan: str = "unlimited") -> None:
    """Write a customer with these domains and one account."""
    (path / f"customers/{name}.yml").write_text(
        f"contact: it@{domains[0]}\nplan: {plan}\ndomains: [{', '.join(domains)}]\n"
        f"accounts:\n  - login: {name}\n    password_hash: {HASH}\n"
    )


def copy(path: Path) -> None:
    """Copy the lab's inventory."""
    shutil.copytree(lab.PATH, path, symlinks=True)
    (path / "customers").mkdir(exist_ok=True)


def inventory_of(path: Path, domains: Sequence[str]) -> Inventory:
    """Write the inventory at `path`, which is the lab's copy if it is there already, and load it."""
    if not path.exists():
        copy(path)
    for domain in domains:
        customer(path, domain.replace(".", "-"), [domain])
    add_slot(path, domains, 1, KeyState.ACTIVE)
    time.sleep(2.5)  # what was written a moment ago is not remembered
    return TenantFiles(path).load()


def add_slot(path: Path, domains: Sequence[str], slot: int, state: KeyState) -> None:
    """Give each of these domains, which have had the same so far, a generation of keys, the same for all."""
    (first, *rest) = domains
    TenantFiles(path).add_keys(first, [_key(first, algorithm, slot, state) for algorithm in Algorithm])
    for domain in rest:
        shutil.copy(path / f"keys/{first}.yml", path / f"keys/{domain}.yml")


def _key(domain: str, algorithm: Algorithm, slot: int, state: KeyState) -> tuple[DkimKey, bytes]:
    public, private = dkim_keys.generate(algorithm)
    now = wiring.now()
    key = DkimKey(
        domain=domain,
        selector=selector(algorithm, slot),
        algorithm=algorithm,
        slot=slot,
        state=state,
        created=now,
        since=now,
        proven=None if state in COMING else now,
        signed=now if state in LEAVING else None,
        public=public,
    )
    return key, private
