"""Ten thousand customers: compile from cold; add and suspend one, until every frontend knows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import frontends, lab, signed_domains
from benchmarks.frontends import Ask
from benchmarks.report import Ratio
from provisioner.core.dkim import KeyState

CUSTOMERS, DOMAINS = 10_000, 12_000
ROUNDS = 5
PATIENCE = 60.0
COMPILE = (
    "import resource, sys; from pathlib import Path; from provisioner.adapters import inventory_files;"
    "from provisioner.core.bundle import compile_bundle;"
    "compile_bundle(inventory_files.load(Path(sys.argv[1])));"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)


def run() -> list[Ratio]:
    """Measure with the running lab's hosts and a large inventory, which gets its own back in the end."""
    lab.machines()
    with (
        tempfile.TemporaryDirectory() as folder,
        _large(Path(folder) / "inventory") as inventory,
        frontends.asked(frontends.LOGIN) as login,
        frontends.asked(frontends.DECISION) as decision,
    ):
        environment = {**os.environ, "PROVISIONER_CACHE": str(Path(folder) / "cache")}
        cold, memory = _compile(inventory, environment)
        _cli(inventory, environment, "push", "--json")
        adds, suspensions = [], []
        for number in range(ROUNDS):
            adds.append(_add(inventory, environment, f"bench{number}", login))
            suspensions.append(_suspend(inventory, environment, f"bench{number}", decision))
    return [
        Ratio(f"compile from cold, {CUSTOMERS} customers", cold, "goal", 20.0, "s", "≤ 1"),
        Ratio("memory for it", memory, "goal", 500.0, "MB", "≤ 1"),
        Ratio(f"customer add at {CUSTOMERS} until both accept", median(adds), "goal", 3.0, "s", "≤ 1"),
        Ratio(f"suspend at {CUSTOMERS} until both refuse", median(suspensions), "goal", 3.0, "s", "≤ 1"),
    ]


@contextmanager
def _large(path: Path) -> Iterator[Path]:
    """A copy of the lab's inventory with many customers more, each of whose domains has two keys' file."""
    signed_domains.copy(path)
    every: list[str] = []
    for number in range(CUSTOMERS):
        domains = [f"c{number}.bench.example"]
        if number < DOMAINS - CUSTOMERS:
            domains.append(f"d{number}.bench.example")
        signed_domains.customer(path, f"c{number}", domains, plan="base")
        every += domains
    signed_domains.add_slot(path, every, 1, KeyState.ACTIVE)
    time.sleep(2.5)  # what was written a moment ago is not remembered
    try:
        yield path
    finally:
        _cli(lab.PATH, dict(os.environ), "push", "--json")


def _compile(inventory: Path, environment: dict[str, str]) -> tuple[float, float]:
    begun = time.monotonic()
    command = [sys.executable, "-c", COMPILE, str(inventory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return time.monotonic() - begun, float(done.stdout)


def _cli(inventory: Path, environment: dict[str, str], *arguments: str) -> str:
    command = [str(Path(sys.executable).parent / "provisioner"), "-i", str(inventory), "customer", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"customer {arguments[0]}: {done.stderr}")
    return done.stdout


def _add(inventory: Path, environment: dict[str, str], name: str, ask: Ask) -> float:
    begun = time.monotonic()
    asked = ("--domain", f"{name}.example", "--contact", f"it@{name}.example", "--json")
    password = json.loads(_cli(inventory, environment, "add", name, *asked))["password"]
    frontends.wait(ask, f"{name} {password}", "yes".__eq__, begun + PATIENCE)
    return time.monotonic() - begun


def _suspend(inventory: Path, environment: dict[str, str], name: str, ask: Ask) -> float:
    begun = time.monotonic()
    _cli(inventory, environment, "suspend", name, "--reason", "measured")
    frontends.wait(ask, name, lambda answer: "suspended: measured" in answer, begun + PATIENCE)
    return time.monotonic() - begun
