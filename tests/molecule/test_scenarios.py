"""Every Molecule scenario: check mode on a fresh machine, converge, idempotence, verify."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.molecule.conftest import INVENTORY
from tests.molecule.crew import PROJECT, Crew

SCENARIOS = sorted(path.parent.name for path in (PROJECT / "molecule").glob("*/molecule.yml"))
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir() if path.is_dir())
NEEDS = {"dem_phplist": "PROVISIONER_PHPLIST_ARCHIVE"}
"""Scenarios that need what is not in the tree: a file, whose path is in this environment variable."""


@pytest.fixture(scope="module")
def crew(request: pytest.FixtureRequest) -> Iterator[Crew]:
    """At work on the scenarios that were asked for."""
    asked = [
        str(item.callspec.params["scenario"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test_scenario.__name__
    ]
    # What all machines have in common, their authority say, is made before two runs could make it.
    command = [sys.executable, "-m", "provisioner", "-i", str(INVENTORY), "lab", "up", "--machines-only"]
    subprocess.run([*command, "--limit", "state1"], cwd=PROJECT, check=True, capture_output=True)
    crew = Crew([scenario for scenario in asked if not lacking(scenario)])
    yield crew
    crew.stop()


def lacking(scenario: str) -> str:
    """Which environment variable a scenario needs that is not there."""
    needed = NEEDS.get(scenario, "")
    return "" if os.environ.get(needed) else needed


def test_every_role_has_a_scenario() -> None:
    assert set(ROLES) <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, crew: Crew) -> None:
    if needed := lacking(scenario):
        pytest.skip(f"{needed} names no archive")
    fault = crew.fault(scenario)
    assert not fault, fault
