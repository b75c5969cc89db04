"""A deploy that changes nothing, of the whole lab, against `ansible all -m setup` over the same hosts."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import lab
from benchmarks.report import Ratio

ROUNDS = 3


def run() -> list[Ratio]:
    """Alternate the two and take the medians. Needs the running lab."""
    lab.machines()
    tools = Path(sys.executable).parent
    deploy = [str(tools / "provisioner"), "-i", str(lab.PATH), "deploy"]
    setup = [str(tools / "ansible"), "-i", str(lab.PATH), "-m", "ansible.builtin.setup", "all"]
    _seconds(deploy)  # connections stay open for both from here on
    rounds = [(_seconds(deploy), _seconds(setup)) for _ in range(ROUNDS)]
    ours, theirs = (median(column) for column in zip(*rounds, strict=True))
    return [Ratio("deploy that changes nothing", ours, "ansible -m setup", theirs, "s", "≤ 8")]


def _seconds(command: list[str]) -> float:
    begun = time.monotonic()
    done = subprocess.run(command, cwd=lab.ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - begun
