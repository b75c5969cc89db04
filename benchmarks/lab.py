"""The running lab, as benchmarks use it."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.adapters import inventory_files
from provisioner.adapters.lab import EmbeddedLab
from provisioner.core.fleet import Inventory

ROOT = Path(__file__).resolve().parent.parent
PATH = Path(os.environ.get("PROVISIONER_INVENTORY", ROOT / "inventories/lab"))


def inventory() -> Inventory:
    """The lab's inventory. Raises InventoryError."""
    return inventory_files.load(PATH)


def machines() -> EmbeddedLab:
    """The lab's machines; exits when they do not run."""
    lab = EmbeddedLab(PATH)
    if any(found.state != "running" for found in lab.states()):
        raise SystemExit("the lab does not run: 'make lab' first")
    return lab


def busy_seconds() -> float:
    """CPU-seconds that all of this machine's cores have worked since it started."""
    fields = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")
