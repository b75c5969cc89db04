"""The readiness gate for a thousand domains, beside checkdmarc on the same domains and the same server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import lab
from benchmarks.delayed import delayed
from benchmarks.report import Ratio
from benchmarks.signed_domains import inventory_of
from provisioner.cli import wiring
from provisioner.core.records import Record, Zone, customer_records

DOMAINS = 1000
SAMPLE = int(os.environ.get("BENCH_CHECKDMARC", "1000"))
"""Domains that checkdmarc is given: with a network between it takes minutes for all."""
ZONE = "zoo.example"
DELAY = 10
"""Milliseconds that a near resolver's answers take on the Internet."""
PEER = (
    "import sys, checkdmarc; found = checkdmarc.check_domains(sys.argv[2:], nameservers=[sys.argv[1]],"
    " skip_tls=True, timeout=2.0);"
    "print(sum(bool(each['spf']['valid'] and each['dmarc']['valid']) for each in found))"
)


def run() -> list[Ratio]:
    """Measure with the running lab's DNS."""
    lab.machines()
    domains = [f"n{number}.{ZONE}" for number in range(DOMAINS)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inventory"
        inventory = inventory_of(path, domains)
        records: list[Record] = []
        for domain in domains:
            owner = inventory.owner(domain)
            assert owner is not None
            records += customer_records(inventory.settings, owner, domain, inventory.keys_of(domain))
            records.append(Record(domain, "MX", f"10 mx.{ZONE}", Zone.CUSTOMER, "mx"))
        results = wiring.publisher(inventory).publish(records)
        print(f"{sum(result.ok for result in results)} of {len(results)} record sets published", flush=True)
        resolver = str(inventory.settings.dns_resolver)
        found = [_both("no network between", path, domains, resolver)]
        with delayed(resolver, DELAY) as slower:
            found.append(_both(f"{DELAY} ms between", path, domains, slower, "--resolver", slower))
    return [ratio for ratios in found for ratio in ratios]


def _both(what: str, path: Path, domains: Sequence[str], resolver: str, *more: str) -> list[Ratio]:
    _ours(path, domains[:1])  # the inventory is read once
    ours, memory = _ours(path, domains, *more)
    peer = _peer(resolver, domains[:SAMPLE]) * DOMAINS / min(SAMPLE, DOMAINS)
    return [
        Ratio(f"{DOMAINS} domains, all checks, {what}", ours, "checkdmarc", peer, "s", "≤ 0.05"),
        Ratio("memory for it", memory, "goal", 200.0, "MB", "≤ 1"),
    ]


def _ours(path: Path, domains: Sequence[str], *more: str) -> tuple[float, float]:
    """Seconds and MB of the command, its start and the inventory's loading included."""
    command = [str(Path(sys.executable).parent / "provisioner"), "-i", str(path), "dns", "verify"]
    (path.parent / "domains").write_text("\n".join(domains))
    command += ["--file", str(path.parent / "domains"), *more]
    environment = {**os.environ, "PROVISIONER_CACHE": str(path.parent / "cache")}
    begun = time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - begun
    if process.returncode != 0:
        raise SystemExit(f"dns verify ends with {process.returncode}: {said[-2000:]}")
    return took, usage.ru_maxrss / 1024


def _peer(resolver: str, domains: Sequence[str]) -> float:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PEER, resolver, *domains], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"checkdmarc: {done.stderr[-2000:]}")
    seconds = time.monotonic() - begun
    print(f"checkdmarc: {done.stdout.strip()} of {len(domains)} valid in {seconds:.1f} s", flush=True)
    return seconds
