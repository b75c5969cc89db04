"""Molecule's lab is its own: nothing of it stays, whatever came of the tests."""

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
def _machines_gone_at_the_end(lab: EmbeddedLab) -> Iterator[None]:
    yield
    lab.down(say=lambda _: None)
