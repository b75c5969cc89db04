"""Every Molecule scenario: check mode on a fresh machine, converge, idempotence, verify."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
SCENARIOS = sorted(path.parent.name for path in (PROJECT / "molecule").glob("*/molecule.yml"))
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir() if path.is_dir())
TIME_LIMIT = 1200.0
"""Seconds for one scenario; each takes one to two minutes on two cores, a list server five."""
NEEDS = {"dem_phplist": "PROVISIONER_PHPLIST_ARCHIVE"}
"""Scenarios that need what is not in the tree: a file, whose path is in this environment variable."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;.*?\x1b\\")


def test_every_role_has_a_scenario() -> None:
    assert set(ROLES) <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str) -> None:
    needed = NEEDS.get(scenario)
    if needed and not os.environ.get(needed):
        pytest.skip(f"{needed} names no archive")
    tools = Path(sys.executable).parent
    done = subprocess.run(
        [tools / "molecule", "test", "--scenario-name", scenario],
        cwd=PROJECT,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    said = _COLOURS.sub("", done.stdout)
    assert done.returncode == 0, said[-8000:]
