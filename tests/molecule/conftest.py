"""Molecule's lab is its own: it begins with nothing, and nothing of it stays, whatever came of the tests.

Its scenarios begin with the first test of the whole run, and go on beside those that come before theirs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from provisioner.adapters.lab import EmbeddedLab
from tests.molecule.crew import PROJECT, Crew

INVENTORY = PROJECT / "molecule/inventory"
SCENARIOS = sorted(path.parent.name for path in (PROJECT / "molecule").glob("*/molecule.yml"))
NEEDS = {"dem_phplist": "PROVISIONER_PHPLIST_ARCHIVE"}
"""Scenarios that need what is not in the tree: a file, whose path is in this environment variable."""

CREW = pytest.StashKey[Crew]()


def lacking(scenario: str) -> str:
    """Which environment variable a scenario needs that is not there."""
    needed = NEEDS.get(scenario, "")
    return "" if os.environ.get(needed) else needed


def pytest_collection_finish(session: pytest.Session) -> None:
    wanted = [
        str(item.callspec.params["scenario"])
        for item in session.items
        if isinstance(item, pytest.Function) and item.originalname == "test_scenario"
    ]
    possible = [scenario for scenario in wanted if not lacking(scenario)]
    if possible and not session.config.option.collectonly:
        session.config.stash[CREW] = Crew(possible, _prepare)


def pytest_sessionfinish(session: pytest.Session) -> None:
    crew = session.config.stash.get(CREW, None)
    if crew is not None:
        crew.stop()
        EmbeddedLab(INVENTORY).down(say=lambda _: None)


@pytest.fixture(scope="session")
def crew(request: pytest.FixtureRequest) -> Crew:
    """At work on the scenarios that were asked for, from now on with all hands."""
    crew = request.config.stash[CREW]
    crew.all_hands()
    return crew


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[EmbeddedLab]:
    """The lab with nothing in it, for oneself."""
    crew = request.config.stash.get(CREW, None)
    if crew is not None:
        crew.finish()
    lab = EmbeddedLab(INVENTORY)
    lab.down(say=lambda _: None)  # what a run that was stopped left there
    yield lab
    lab.down(say=lambda _: None)


def _prepare() -> None:
    """Begin with nothing; and make what all machines have in common before two scenarios could, keys say."""
    for verb in (["down"], ["up", "--machines-only", "--limit", "state1"]):
        command = [sys.executable, "-m", "provisioner", "-i", str(INVENTORY), "lab", *verb]
        subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, check=True, capture_output=True)
