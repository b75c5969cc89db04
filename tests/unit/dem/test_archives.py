"""Backups: whole, or refused before anything is changed."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from provisioner_dem import archives
from provisioner_dem.software import DemError


def _members(folder: Path) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    files = {"database.sql": folder / "database.sql", "data.tar.gz": folder / "data.tar.gz"}
    for name, file in files.items():
        file.write_text(f"what is in {name}" * 1000)
    return files


def _written(tmp_path: Path) -> Path:
    members = _members(tmp_path / "made")
    digests = {name: archives.digest(file) for name, file in members.items()}
    archive = tmp_path / "backup.tar"
    archives.write(archive, archives.Manifest("sympa", "6.2", "news.acme.example", "now", digests), members)
    return archive


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    archive, out = _written(tmp_path), tmp_path / "out"
    out.mkdir()
    manifest = archives.unpack(archive, out)
    assert manifest.software == "sympa"
    assert (out / "database.sql").read_text().startswith("what is in database.sql")
    assert archive.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nobody_else_may_read_it_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add, modes = tarfile.TarFile.add, []

    def look(tar: tarfile.TarFile, *words: Any, **more: Any) -> None:
        modes.append((tmp_path / ".backup.tar.part").stat().st_mode & 0o777)
        add(tar, *words, **more)

    monkeypatch.setattr(tarfile.TarFile, "add", look)
    (tmp_path / ".backup.tar.part").write_text("one that was cut off, as anybody may read it")
    umask = os.umask(0)
    try:
        _written(tmp_path)
    finally:
        os.umask(umask)
    assert modes == [0o600, 0o600]


def test_spools_are_alive_while_they_are_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = tarfile.TarFile.gettarinfo
    spool = tmp_path / "spool"
    (spool / "going").mkdir(parents=True)
    (spool / "going/packet").write_text("sent meanwhile")
    (spool / "shrinking").write_text("x" * 10_000)
    (spool / "staying").write_text("it stays")
    os.link(spool / "staying", spool / "too")
    (spool / "link").symlink_to(spool / "staying")

    def change(tar: tarfile.TarFile, name: Path, arcname: str) -> tarfile.TarInfo:
        found = look(tar, name, arcname)
        if name.name == "going":
            (name / "packet").unlink()
        if name.name == "shrinking":
            name.write_text("x")
        return found

    monkeypatch.setattr(tarfile.TarFile, "gettarinfo", change)
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda path: list(walk(path)))  # what it has seen is not there any more
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as tar:
        archives.pack(tar, spool)
        archives.pack(tar, tmp_path / "none")
    with tarfile.open(tmp_path / "data.tar.gz") as tar:
        archives.check_inside(tar, [spool])
    with tarfile.open(tmp_path / "data.tar.gz") as tar:
        found = {Path(member.name).name: member.size for member in tar}
    assert found == {"spool": 0, "going": 0, "shrinking": 1, "staying": 8, "too": 8}


@pytest.mark.parametrize("place", [0, 3, 700, 2000, 20_000, 40_000])
def test_one_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    archive, out = _written(tmp_path), tmp_path / "out"
    out.mkdir()
    data = bytearray(archive.read_bytes())
    data[place] ^= 1
    archive.write_bytes(data)
    with pytest.raises(DemError):
        archives.unpack(archive, out)


@pytest.mark.parametrize("length", [0, 100, 512, 3000, 30_000])
def test_a_part_of_one_is_none(tmp_path: Path, length: int) -> None:
    archive, out = _written(tmp_path), tmp_path / "out"
    out.mkdir()
    archive.write_bytes(archive.read_bytes()[:length])
    with pytest.raises(DemError):
        archives.unpack(archive, out)


def test_another_members_name_or_kind_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    manifest = json.dumps(
        {"format": 1, "software": "sympa", "version": "", "site": "", "created": "", "digests": {"../x": "0"}}
    ).encode()
    for name, kind in (("../x", tarfile.REGTYPE), ("x", tarfile.SYMTYPE), ("y", tarfile.REGTYPE)):
        archive = tmp_path / "made.tar"
        with tarfile.open(archive, "w") as tar:
            first = tarfile.TarInfo("manifest.json")
            first.size = len(manifest)
            tar.addfile(first, io.BytesIO(manifest))
            member = tarfile.TarInfo(name)
            member.type = kind
            tar.addfile(member)
        with pytest.raises(DemError):
            archives.unpack(archive, out)
    assert list(tmp_path.glob("x")) == []


@pytest.mark.parametrize(
    ("name", "kind", "fine"),
    [
        ("var/lib/sympa/list_data/news/config", tarfile.REGTYPE, True),
        ("var/lib/sympa/list_data", tarfile.DIRTYPE, True),
        ("var/lib/sympa/list_data2/x", tarfile.REGTYPE, False),
        ("etc/passwd", tarfile.REGTYPE, False),
        ("/etc/passwd", tarfile.REGTYPE, False),
        ("var/lib/sympa/list_data/../../../../etc/passwd", tarfile.REGTYPE, False),
        ("var/lib/sympa/list_data/link", tarfile.SYMTYPE, False),
        ("var/lib/sympa/list_data/link", tarfile.LNKTYPE, False),
    ],
)
def test_data_stay_within_their_folders(tmp_path: Path, name: str, kind: bytes, fine: bool) -> None:
    file = tmp_path / "data.tar"
    with tarfile.open(file, "w") as tar:
        member = tarfile.TarInfo(name)
        member.type = kind
        tar.addfile(member)
    with tarfile.open(file) as tar:
        if fine:
            archives.check_inside(tar, [Path("/var/lib/sympa/list_data")])
        else:
            with pytest.raises(DemError):
                archives.check_inside(tar, [Path("/var/lib/sympa/list_data")])
