"""Molecule's lab is its own: it begins with nothing, and nothing of it stays, whatever came of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.adapters.lab import EmbeddedLab

INVENTORY = Path(__file__).parent.parent.parent / "molecule/inventory"


@pytest.fixture(scope="module")
def lab() -> EmbeddedLab:
    return EmbeddedLab(INVENTORY)


@pytest.fixture(scope="module", autouse=True)
def _machines_gone(lab: EmbeddedLab) -> Iterator[None]:
    lab.down(say=lambda _: None)  # what a run that was stopped left there
    yield
    lab.down(say=lambda _: None)
