"""Keys: a thousand domains rotated, the switch of one on every signer, and the status of ten thousand."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import lab
from benchmarks.report import Ratio
from benchmarks.signed_domains import copy, customer, inventory_of
from provisioner.adapters import tenants
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import wiring
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import Action, Wait, Wish
from provisioner.core.records import Zone, customer_records
from provisioner.workflows import rotation
from provisioner.workflows.push import push_tenants
from provisioner.workflows.rotation import Request, Transition

DOMAINS, MANY = 1000, 10_000
ROUNDS = 5
ZONE = "hooli.example"


def run() -> list[Ratio]:
    """Measure with the running lab's hosts and name server; they get the lab's tenants back in the end."""
    lab.machines()
    with tempfile.TemporaryDirectory() as folder:
        with _inventory(Path(folder) / "thousand") as path:
            worked, steps = _rotate(path)
            switched = [_switch(path, f"r{number}.{ZONE}") for number in range(ROUNDS)]
        with _inventory(Path(folder) / "ten-thousand") as path:
            seconds = _status(path)
    for action, share in steps.items():
        print(f"  {action}: {share:.1f} s")
    proof = steps.get(Action.NOTE_STOPPED.value, 0.0) + steps.get(Action.PROVE.value, 0.0)
    return [
        Ratio(f"{DOMAINS} domains until the new keys sign", worked - proof, "goal", 60.0, "s", "≤ 1"),
        Ratio(f"proofs of {DOMAINS} domains through every backend", proof, "goal", 60.0, "s"),
        Ratio("keys switched on every signer, command and all", median(switched), "goal", 2.0, "s", "≤ 1"),
        Ratio(f"dkim status --all, {MANY} domains", seconds, "goal", 5.0, "s", "≤ 1"),
    ]


@contextmanager
def _inventory(path: Path) -> Iterator[Path]:
    copy(path)
    try:
        yield path
    finally:
        store = TenantFiles(lab.PATH)
        own = store.load()
        push_tenants(own, store.key_loader(own), tenants.push)


def _rotate(path: Path) -> tuple[float, dict[str, float]]:
    """Seconds of work, without the waits that times to live impose, and how they are spent."""
    domains = [f"r{number}.{ZONE}" for number in range(DOMAINS)]
    customer(path, "rotated", domains)
    store = TenantFiles(path)
    inventory = store.load()
    owner = inventory.customer("rotated")
    assert owner is not None
    cnames = [
        record
        for domain in domains
        for record in customer_records(inventory.settings, owner, domain, ())
        if record.type == "CNAME" and record.zone is Zone.CUSTOMER
    ]
    publisher = wiring.publisher(inventory)
    print(f"{sum(result.ok for result in publisher.publish(cnames))} CNAMEs published", flush=True)
    _follow(store, inventory, Request(domains, why="benchmark"))
    return _follow(store, inventory, Request(domains, Wish.ROTATE, "benchmark"))


def _follow(store: TenantFiles, inventory: Inventory, request: Request) -> tuple[float, dict[str, float]]:
    slept = 0.0
    begun = last = time.monotonic()
    spent: dict[str, float] = {}

    def pause(_: Sequence[str], waits: Sequence[Wait]) -> None:
        nonlocal slept, last
        seconds = rotation.pause_for(waits, wiring.now())
        time.sleep(seconds)
        slept += seconds
        last = time.monotonic()

    def note(transition: Transition) -> None:
        nonlocal last
        now = time.monotonic()
        action = transition.action.value
        spent[action] = spent.get(action, 0.0) + now - last
        last = now

    outcome = rotation.follow(store, request, lambda: wiring.rotation_tools(inventory), pause, note)
    if outcome.faults:
        raise SystemExit(f"held: {outcome.faults[0]}")
    seconds = time.monotonic() - begun - slept
    print(f"{len(request.domains)} domains in {seconds:.1f} s of work, {slept:.1f} s of waiting", flush=True)
    return seconds, spent


def _cli(path: Path, *arguments: str) -> float:
    begun = time.monotonic()
    command = [str(Path(sys.executable).parent / "provisioner"), "-i", str(path), "dkim", *arguments]
    environment = {**os.environ, "PROVISIONER_CACHE": str(path.parent / "cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"dkim {arguments[0]}: {done.stderr}")
    return time.monotonic() - begun


def _switch(path: Path, domain: str) -> float:
    """Back to the keys before, until the command says that every signer has them."""
    return _cli(path, "rollback", domain, "--apply", "--reason", "benchmark")


def _status(path: Path) -> float:
    inventory = inventory_of(path, [f"n{number}.{ZONE}" for number in range(MANY)])
    store = TenantFiles(path)
    push_tenants(inventory, store.key_loader(inventory), tenants.push)
    _cli(path, "status", "--all")
    return median(_cli(path, "status", "--all", "--json") for _ in range(ROUNDS))
