from __future__ import annotations

from pathlib import Path

import pytest

from tests import samples
from tests.unit.cli.running import Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(samples.write(tmp_path), monkeypatch, capsys)
