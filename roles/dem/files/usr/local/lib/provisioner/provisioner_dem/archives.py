"""A backup: one tar file with a manifest first, which has every other member's SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from provisioner_dem.software import DemError

FORMAT = 1
MANIFEST = "manifest.json"
_BLOCK = 1 << 20
_LARGEST_MANIFEST = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup is of. digests: of each member beside the manifest, SHA-256 in hex."""

    software: str
    version: str
    site: str
    created: str
    digests: Mapping[str, str]


def digest(file: Path) -> str:
    """A file's SHA-256 in hex."""
    with file.open("rb") as stream:
        return _digest(stream)


def write(archive: Path, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write a backup; whole or not at all, and nobody else may read any of it at any time."""
    unfinished = archive.with_name(f".{archive.name}.part")
    described = {"format": FORMAT, **vars(manifest), "digests": dict(manifest.digests)}
    text = json.dumps(described, indent=1).encode()
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600, exist_ok=False)
    try:
        with tarfile.open(unfinished, "w", format=tarfile.GNU_FORMAT) as tar:
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(text)
            tar.addfile(info, BytesIO(text))
            for name, path in members.items():
                tar.add(path, name, recursive=False)
        unfinished.rename(archive)
    finally:
        unfinished.unlink(missing_ok=True)


def pack(tar: tarfile.TarFile, path: Path) -> None:
    """Add a file, or a folder with all in it, while others go on there: what vanishes is left out."""
    _pack(tar, path)
    for folder, names, files in os.walk(path):
        names.sort()
        for name in (*names, *sorted(files)):
            _pack(tar, Path(folder) / name)


def unpack(archive: Path, folder: Path) -> Manifest:
    """Check a backup whole, lay its members into `folder`. Raises DemError when anything is wrong with it."""
    try:
        with tarfile.open(archive, "r:") as tar:
            manifest = _manifest(tar)
            found: set[str] = set()
            for member in tar:
                if member.name == MANIFEST:
                    continue
                if not member.isreg() or member.name not in manifest.digests or "/" in member.name:
                    raise DemError(f"{archive}: {member.name!r} does not belong into a backup")
                stream = tar.extractfile(member)
                assert stream is not None  # noqa: S101 - it is a regular file
                _copy(stream, folder / member.name)
                if digest(folder / member.name) != manifest.digests[member.name]:
                    raise DemError(f"{archive}: {member.name} is damaged")
                found.add(member.name)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DemError(f"{archive} is no backup, or is damaged: {error}") from error
    missing = sorted(set(manifest.digests) - found)
    if missing:
        raise DemError(f"{archive}: {', '.join(missing)} is missing")
    return manifest


def check_inside(tar: tarfile.TarFile, allowed: Iterable[Path]) -> None:
    """See that everything in a tar file of absolute paths stays within folders. Raises DemError."""
    folders = [PurePosixPath(str(path).lstrip("/")) for path in allowed]
    for member in tar:
        path = PurePosixPath(member.name)
        inside = any(path == folder or folder in path.parents for folder in folders)
        if not inside or ".." in path.parts or not (member.isreg() or member.isdir()):
            raise DemError(f"{member.name!r} is outside of what a backup may bring back")


def _pack(tar: tarfile.TarFile, path: Path) -> None:
    try:
        info = tar.gettarinfo(path, str(path).lstrip("/"))
        if info is not None and info.islnk():  # a second name of a file that is in there already
            info.type = tarfile.REGTYPE
        # Sockets, links and the like are not data; a backup brings back files and folders alone.
        if info is None or not (info.isreg() or info.isdir()):
            return
        # At once: of a file that becomes shorter on the way, the archive would be none.
        content = path.read_bytes() if info.isreg() else b""
    except FileNotFoundError:
        return
    info.size = len(content)
    tar.addfile(info, BytesIO(content))


def _manifest(tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > _LARGEST_MANIFEST:
        raise DemError("is no backup of a list server: it begins without a manifest")
    stream = tar.extractfile(first)
    try:
        data = json.loads(stream.read()) if stream else {}
        version = data.pop("format")
        manifest = Manifest(**data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DemError("its manifest can't be read") from error
    if version != FORMAT:
        raise DemError(f"its format is {version}, this tool reads {FORMAT}")
    return manifest


def _digest(stream: IO[bytes]) -> str:
    found = hashlib.sha256()
    while block := stream.read(_BLOCK):
        found.update(block)
    return found.hexdigest()


def _copy(stream: IO[bytes], to: Path) -> None:
    with to.open("wb") as file:
        while block := stream.read(_BLOCK):
            file.write(block)
