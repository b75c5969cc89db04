"""Who may touch the data: as many as like, or one that replaces it."""

from __future__ import annotations

from pathlib import Path

import pytest
from provisioner_dem import locks
from provisioner_dem.locks import BusyError, reading, replacing, touching


@pytest.fixture(autouse=True)
def _lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lock").touch()
    monkeypatch.setattr(locks, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(locks, "PATIENCE", 0.2)


def test_bounces_go_on_while_a_backup_is_made() -> None:
    with reading(), touching(), touching():
        pass


def test_while_the_data_is_replaced_nobody_touches_it() -> None:
    with replacing():
        with pytest.raises(BusyError, match="try again later"), touching():
            pass
        with pytest.raises(BusyError, match="a restore or an upgrade"), reading():
            pass
        with pytest.raises(BusyError, match="another backup, restore or upgrade"), replacing():
            pass
    with touching():
        pass


def test_who_replaces_waits_for_who_is_at_it(capsys: pytest.CaptureFixture[str]) -> None:
    with touching(), pytest.raises(BusyError), replacing():
        pass
    assert capsys.readouterr().err.count("waiting: another") == 1


def test_without_the_file_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "lock").unlink()
    with pytest.raises(OSError, match="lock"), touching():
        pass
