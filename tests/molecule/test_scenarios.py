"""Every Molecule scenario: check mode on a fresh machine, converge, idempotence, verify."""

from __future__ import annotations

import pytest

from tests.molecule.conftest import SCENARIOS, lacking
from tests.molecule.crew import PROJECT, Crew

ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir() if path.is_dir())


def test_every_role_has_a_scenario() -> None:
    assert set(ROLES) <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, request: pytest.FixtureRequest) -> None:
    if needed := lacking(scenario):
        pytest.skip(f"{needed} names no archive")
    crew: Crew = request.getfixturevalue("crew")
    fault = crew.fault(scenario)
    assert not fault, fault
