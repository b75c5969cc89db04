"""Keys: a thousand domains rotated, the switch of one on every signer, and the status of ten thousand."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import lab
from benchmarks.report import Ratio
from benchmarks.signed_domains import add_slot, copy, customer, inventory_of
from provisioner.adapters import dkim_keys, tenants
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import wiring
from provisioner.core.dkim import Algorithm, KeyState
from provisioner.core.fleet import Host, Inventory
from provisioner.core.key_slots import Wait, Wish
from provisioner.core.probes import ProbeAsk, Probed
from provisioner.core.records import Zone, customer_records
from provisioner.core.tenants import HostResult
from provisioner.workflows import rotation
from provisioner.workflows.push import Compiled, KeyLoader, push_tenants
from provisioner.workflows.rotation import Request, Tools
from provisioner.workflows.rotation_round import AT_ONCE

DOMAINS, MANY = 1000, 10_000
ROUNDS = 5
ZONE = "hooli.example"
COME, RETIRE = 110, 780
"""Of ten thousand domains with keys for 180 days each: under way for two days, and retiring for fourteen."""
PUSHES, PROBES = "pushes to hosts", "probes through every backend"


def run() -> list[Ratio]:
    """Measure with the running lab's hosts and name server; they get the lab's tenants back in the end."""
    lab.machines()
    with tempfile.TemporaryDirectory() as folder:
        with _inventory(Path(folder) / "thousand") as path:
            worked, clock = _rotate(path)
            switched = [_switch(path, f"r{number}.{ZONE}") for number in range(ROUNDS)]
        with _inventory(Path(folder) / "ten-thousand") as path:
            first, again = _status(path)
    for what, seconds in clock.spent.items():
        print(f"  {what}: {seconds:.1f} s")
    proof = clock.spent[PROBES]
    status = f"dkim status --all, {MANY} domains, {COME} of them with keys that come, {RETIRE} that retire"
    return [
        Ratio(
            f"{DOMAINS} domains until the new keys sign on all signers",
            worked - proof,
            "goal",
            60.0,
            "s",
            "≤ 1",
        ),
        Ratio(f"of it, on all cores, making {DOMAINS} RSA keys", _rsa_keys(), "goal", 60.0, "s"),
        Ratio(f"proofs of {DOMAINS} domains through every backend", proof, "goal", 60.0, "s"),
        Ratio("keys switched on every signer, command and all", median(switched), "goal", 2.0, "s", "≤ 1"),
        Ratio(f"{status}; nothing remembered", first, "goal", 5.0, "s", "≤ 1"),
        Ratio(f"{status}; again", again, "goal", 5.0, "s", "≤ 1"),
    ]


def _rsa_keys() -> float:
    """Seconds that the RSA keys alone take, a tenth of them being made: what no other code can save."""
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda _: dkim_keys.generate(Algorithm.RSA), range(DOMAINS // 10)):
            pass
    return 10 * (time.monotonic() - begun)


@contextmanager
def _inventory(path: Path) -> Iterator[Path]:
    copy(path)
    try:
        yield path
    finally:
        store = TenantFiles(lab.PATH)
        own = store.load()
        push_tenants(own, store.key_loader(own), tenants.push)


def _rotate(path: Path) -> tuple[float, Clock]:
    """Seconds of work, without the waits that times to live impose, and what of them hosts were at work."""
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


class Clock:
    """Seconds that tools take, by what they do."""

    def __init__(self) -> None:
        self.spent = {PUSHES: 0.0, PROBES: 0.0}

    def tools(self, inventory: Inventory) -> Tools:
        """A run's tools, with this clock running while hosts are at work."""
        own = wiring.rotation_tools(inventory)

        def push(compiled: Compiled, hosts: Sequence[Host], load_key: KeyLoader, /) -> list[HostResult]:
            with self._running(PUSHES):
                return own.push(compiled, hosts, load_key)

        def probe(asks: Sequence[ProbeAsk], hosts: Sequence[Host], /) -> Sequence[Probed]:
            with self._running(PROBES):
                return own.probe(asks, hosts)

        return replace(own, push=push, probe=probe)

    @contextmanager
    def _running(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.spent[what] += time.monotonic() - begun


def _follow(store: TenantFiles, inventory: Inventory, request: Request) -> tuple[float, Clock]:
    slept, clock = 0.0, Clock()
    begun = time.monotonic()

    def pause(_: Sequence[str], waits: Sequence[Wait]) -> None:
        nonlocal slept
        seconds = rotation.pause_for(waits, wiring.now())
        time.sleep(seconds)
        slept += seconds

    outcome = rotation.follow(store, request, lambda: clock.tools(inventory), pause)
    if outcome.faults:
        raise SystemExit(f"held: {outcome.faults[0]}")
    seconds = time.monotonic() - begun - slept
    print(f"{len(request.domains)} domains in {seconds:.1f} s of work, {slept:.1f} s of waiting", flush=True)
    return seconds, clock


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


def _status(path: Path) -> tuple[float, float]:
    """Seconds of the first call, to which all is new, and of one after it."""
    domains = [f"n{number}.{ZONE}" for number in range(MANY)]
    inventory_of(path, domains)
    add_slot(path, domains[:RETIRE], 2, KeyState.RETIRING)
    add_slot(path, domains[-COME:], 2, KeyState.VERIFIED)
    time.sleep(2.5)  # what was written a moment ago is not remembered
    store = TenantFiles(path)
    inventory = store.load()
    push_tenants(inventory, store.key_loader(inventory), tenants.push)
    first = _cli(path, "status", "--all", "--json")
    return first, median(_cli(path, "status", "--all", "--json") for _ in range(ROUNDS))
