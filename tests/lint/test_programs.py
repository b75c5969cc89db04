"""Lint sees every Python program, those without an ending too."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PLACES = ("scripts", "roles", "molecule", "plugins", "benchmarks", "provisioner", "tests")


def test_every_program_is_linted() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "lint"], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    checked = next(line.split()[2:] for line in done.stdout.splitlines() if line.startswith("ruff check "))
    formatted = next(line.split()[3:] for line in done.stdout.splitlines() if line.startswith("ruff format "))
    assert checked == formatted
    folders = [PROJECT / name for name in checked]
    programs = {path for place in PLACES for path in (PROJECT / place).rglob("*") if is_program(path)}
    assert PROJECT / "roles/tenants/files/usr/local/sbin/provisioner-tenants" in programs
    assert {path for path in programs if path not in folders} == set()


def is_program(path: Path) -> bool:
    """Whether it begins as a Python program does, and has no ending by which ruff would find it."""
    if path.suffix == ".py" or not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(100)
    return first.startswith(b"#!") and b"python" in first
