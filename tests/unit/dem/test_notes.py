"""What was cut off, or failed, leaves a note."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from provisioner_dem.notes import left, noted
from provisioner_dem.software import DemError, RolledBackError

LIBRARY = Path(sys.modules[noted.__module__].__file__ or "").parents[1]
CUT_OFF = """
import os, sys, pathlib
from provisioner_dem.notes import noted
with noted(pathlib.Path(sys.argv[1]), "restore", "the restore did not end"):
    os.kill(os.getpid(), 15)
"""


def test_what_goes_on_and_what_is_done_leave_none(tmp_path: Path) -> None:
    with noted(tmp_path / "state", "upgrade", "the upgrade did not end"):
        assert left(tmp_path / "state") == []
    assert left(tmp_path / "state") == []
    assert list((tmp_path / "state").iterdir()) == []


def test_what_failed_stays_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DemError), noted(tmp_path, "backup", "the daily backup did not succeed"):
        raise DemError("no space left")
    (said,) = left(tmp_path)
    file = tmp_path / "unfinished-backup"
    assert said == f"the daily backup did not succeed (delete {file} when all is well): no space left"
    with noted(tmp_path, "backup", "the next one"):
        pass
    assert left(tmp_path) == []


def test_what_leaves_all_as_it_was_leaves_none(tmp_path: Path) -> None:
    with pytest.raises(RolledBackError), noted(tmp_path, "restore", "the restore", (RolledBackError,)):
        raise RolledBackError("not well")
    assert left(tmp_path) == []


def test_what_was_killed_is_told(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", CUT_OFF, str(tmp_path)]
    done = subprocess.run(argv, env={"PYTHONPATH": str(LIBRARY)}, check=False)
    assert done.returncode == -15
    (said,) = left(tmp_path)
    assert said.startswith("the restore did not end")
