"""Backups in a repository, with restic itself."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.adapters.restic import Restic
from provisioner.core.errors import HostsFailed, UsageError

pytestmark = pytest.mark.skipif(shutil.which("restic") is None, reason="restic is not installed")
CONTENT = os.urandom(3_000_000)
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND", "RESTIC_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    return file


@pytest.fixture
def repository(tmp_path: Path, password: Path) -> str:
    place = str(tmp_path / "repository")
    command = ["restic", "-r", place, "init", "--password-file", str(password)]
    subprocess.run(command, check=True, capture_output=True)
    return place


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    file = tmp_path / "archive"
    file.write_bytes(CONTENT)
    return file


def test_an_archive_is_stored_and_read_again(
    repository: str, password: Path, archive: Path, tmp_path: Path
) -> None:
    restic = Restic(repository, password)
    restic.require()
    restic.save(archive, "acme-old.tar", ["customer=acme"])
    snapshot = restic.save(archive, "acme-new.tar", ["customer=acme", f"sha256={SUM}"])
    restic.save(archive, "globex.tar", ["customer=globex"])
    assert restic.load(snapshot, "/acme-new.tar") == SUM
    found, path = restic.latest(["customer=acme"])
    assert (found[:8], path) == (snapshot[:8], "/acme-new.tar")
    assert restic.load(found, path, tmp_path / "back") == SUM
    assert (tmp_path / "back").read_bytes() == CONTENT
    with pytest.raises(UsageError, match="no snapshot"):
        restic.latest(["customer=nobody"])
    with pytest.raises(HostsFailed, match="does not give"):
        restic.load(snapshot, "/nothing")


def test_the_password_may_be_in_the_environment(
    repository: str, password: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="Nothing says the restic repository's password"):
        Restic(repository)
    monkeypatch.setenv("RESTIC_PASSWORD", "correct horse")
    Restic(repository).require()
    monkeypatch.setenv("RESTIC_PASSWORD", "another")
    with pytest.raises(UsageError, match="does not open"):
        Restic(repository).require()
    Restic(repository, password).require()


def test_a_repository_that_is_none(tmp_path: Path, password: Path) -> None:
    with pytest.raises(UsageError, match="does not open"):
        Restic(str(tmp_path / "nowhere"), password).require()


def test_neither_password_nor_repository_is_an_argument(
    password: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "restic"
    tool.parent.mkdir()
    summary = json.dumps({"message_type": "summary", "snapshot_id": "0123456789"})
    tool.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" >>{tmp_path}/arguments\ncat >/dev/null\necho '{summary}'\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    restic = Restic("rest:https://user:secret@backup.example/", password)
    restic.require()
    assert restic.save(archive, "a.tar", []) == "0123456789"
    restic.load("0123456789", "/a.tar")
    arguments = (tmp_path / "arguments").read_text()
    assert "a.tar" in arguments
    assert "secret" not in arguments
    assert str(password) not in arguments
