"""From starting `provisioner customer add` until both frontends accept the new login."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import frontends, lab
from benchmarks.frontends import Ask
from benchmarks.report import Ratio

ROUNDS = 5
GOAL = 2.0
PATIENCE = 30.0


def run() -> list[Ratio]:
    """Add customers, log in at each frontend until it is accepted, remove them. Needs the running lab."""
    lab.machines()
    with frontends.asked(frontends.LOGIN) as ask:
        times = [_round(number, ask) for number in range(ROUNDS)]
    return [Ratio("customer add until both accept", median(times), "goal", GOAL, "s", "≤ 1")]


def _round(number: int, ask: Ask) -> float:
    name = f"bench{number}"
    cli = [str(Path(sys.executable).parent / "provisioner"), "-i", str(lab.PATH), "customer"]
    begun = time.monotonic()
    done = subprocess.run(
        [*cli, "add", name, "--domain", f"{name}.example", "--contact", f"it@{name}.example", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"customer add: {done.stderr}")
    password = json.loads(done.stdout)["password"]
    try:
        frontends.wait(ask, f"{name} {password}", "yes".__eq__, begun + PATIENCE)
        return time.monotonic() - begun
    finally:
        subprocess.run([*cli, "remove", name, "--yes"], capture_output=True, check=True)
