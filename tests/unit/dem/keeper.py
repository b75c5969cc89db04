"""A list server whose programs have stand-ins: what they are called with stands in one log."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from provisioner_dem import keeping, locks, outbox
from provisioner_dem.keeping import Keeper
from provisioner_dem.software import Change, DemError, MailingList

SITE = "news.acme.example"
PROGRAMS = {
    "mariadb-dump": 'for w; do case $w in --result-file=*) echo all >"${w#*=}";; esac; done; exit $DUMP',
    "mariadb": 'cat >>"$LOG"; echo >>"$LOG"; exit $LOAD',
    "systemctl": 'case $1 in is-active) echo "$ACTIVE";; is-enabled) echo "enabled disabled";; esac',
    "postfix": "exit 0",
    "postqueue": "exit 0",
}  # fmt: skip


class Lists:
    """Software that notes what is asked of it."""

    services: Sequence[str] = ("web.socket", "web.service")
    web: Sequence[str] = ("web.socket",)

    def __init__(self, log: Path, folder: Path) -> None:
        self.log, self.folders = log, (folder,)
        self.installed, self.wrong, self.packets, self.breaks = "3.0", "", 0, ""

    def note(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{text}\n")

    def version(self) -> str:
        return self.installed

    def lists(self) -> list[MailingList]:
        return [MailingList("news", 12)]

    def waiting(self) -> int:
        return self.packets

    def administrator(self) -> str:
        return "hash of today"

    def keep_administrator(self, kept: str) -> None:
        self.note(f"administrator {kept}")

    def migrate(self, before: str) -> None:
        self.note(f"migrate from {before}")

    def healthy(self) -> str:
        self.note("healthy?")
        return self.wrong

    def upgrade(self, archive: str, sha256: str, still: Callable[[], None]) -> Change:
        if self.breaks == "download":
            raise OSError("no space left")
        still()
        if self.breaks:
            raise DemError(self.breaks)
        return Change("3.0", "4.0", 1.0)


def stand_ins(folder: Path, programs: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have shell scripts stand in for programs; each notes its arguments in the file that LOG names."""
    folder.mkdir()
    for name, text in programs.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"$LOG"\n{text}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


class Host:
    """The list server, with a keeper of its data."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.state, self.data = (tmp_path / name for name in ("log", "state", "data"))
        stand_ins(tmp_path / "bin", PROGRAMS, monkeypatch)
        for name, value in (
            ("LOG", str(self.log)),
            ("DUMP", "0"),
            ("LOAD", "0"),
            ("ACTIVE", "active active"),
        ):
            monkeypatch.setenv(name, value)
        (tmp_path / "lock").touch()
        monkeypatch.setattr(locks, "LOCK", tmp_path / "lock")
        monkeypatch.setattr(locks, "PATIENCE", 0.0)
        monkeypatch.setattr(keeping, "STATE", self.state)
        monkeypatch.setattr(outbox, "PAUSED", tmp_path / "paused")
        self.data.mkdir()
        (self.data / "letter").write_text("now")
        self.software = Lists(self.log, self.data)
        self.backups = tmp_path / "backups"
        database = SimpleNamespace(name="sympa")
        settings: Any = SimpleNamespace(
            software="sympa", site=SITE, database=database, backup_folder=self.backups, backups_kept=2,
        )  # fmt: skip
        software: Any = self.software
        self.keeper = Keeper(settings, software)

    def did(self) -> list[str]:
        """What was done since the last look."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)
