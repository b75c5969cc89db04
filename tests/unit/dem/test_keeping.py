"""Whatever an upgrade does to the database, it comes back, or is kept. MariaDB's programs have stand-ins."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from provisioner_dem import archives, commands, keeping
from provisioner_dem.keeping import Keeper
from provisioner_dem.software import Change, DemError, NotBackError

PROGRAMS = {
    "mariadb-dump": 'for w; do case $w in --result-file=*) echo all >"${w#*=}";; esac; done; exit $DUMP',
    "mariadb": 'echo "mariadb $*" >>"$LOG"; cat >>"$LOG"; exit $LOAD',
    "systemctl": "exit 0",
}


class Breaking:
    """Software whose migration breaks once the data was dumped."""

    services: Sequence[str] = ("web.service",)
    folders: Sequence[Path] = ()

    def upgrade(self, archive: str, sha256: str, dump: Callable[[], None]) -> Change:
        dump()
        raise DemError("the migration broke")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in PROGRAMS.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setattr(keeping, "STATE", tmp_path / "state")
    return tmp_path / "state"


def upgraded(monkeypatch: pytest.MonkeyPatch, dump: int, load: int) -> DemError:
    monkeypatch.setenv("DUMP", str(dump))
    monkeypatch.setenv("LOAD", str(load))
    with pytest.raises(DemError) as caught:
        keeper().upgrade("", "")
    return caught.value


def keeper() -> Keeper:
    settings: Any = SimpleNamespace(
        software="sympa", site="news.acme.example", database=SimpleNamespace(name="sympa")
    )
    software: Any = Breaking()
    return Keeper(settings, software)


def test_a_dump_that_is_not_whole_is_never_loaded(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "mariadb-dump failed (1)" in str(upgraded(monkeypatch, dump=1, load=0))
    assert not (state.parent / "log").exists()


def test_after_a_migration_that_broke_the_data_is_as_before(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = upgraded(monkeypatch, dump=0, load=0)
    assert not isinstance(error, NotBackError)
    log = (state.parent / "log").read_text()
    assert "DROP DATABASE IF EXISTS sympa" in log
    assert log.endswith("mariadb sympa\nall\n")
    assert list(state.iterdir()) == []


def test_what_can_not_be_loaded_is_kept(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = upgraded(monkeypatch, dump=0, load=1)
    assert isinstance(error, NotBackError)
    (kept,) = state.iterdir()
    assert kept.read_text() == "all\n"
    assert str(kept) in str(error)
    assert "the migration broke" in str(error)


def test_a_backup_of_another_customer_is_refused(state: Path, tmp_path: Path) -> None:
    archive, data = tmp_path / "other.tar", tmp_path / "data"
    data.write_text("")
    members = {keeping.DATABASE: data, keeping.DATA: data}
    digests = {name: archives.digest(path) for name, path in members.items()}
    manifest = archives.Manifest("sympa", "6.2", "news.globex.example", "2030-01-01T00:00:00Z", digests)
    archives.write(archive, manifest, members)
    with pytest.raises(DemError, match=r"is of sympa at news\.globex\.example, this host has"):
        keeper().restore(archive)


def test_a_program_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "TIME_LIMIT", 0.1)
    with pytest.raises(DemError, match="sleep was stopped"):
        commands.run(["sleep", "5"])
