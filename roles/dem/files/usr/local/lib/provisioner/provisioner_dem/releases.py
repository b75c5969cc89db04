"""phpList's archives: looked at whole before anything of them is written; each release beside the others."""

from __future__ import annotations

import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO
from urllib.request import urlopen

from provisioner_dem import archives
from provisioner_dem.software import DemError

MARK = "lists/admin/init.php"
NEEDED = ("lists/index.php", "lists/admin/index.php", "lists/admin/structure.php", MARK)
"""What makes an archive one of phpList, below its public_html."""
OF = "SHA256"
"""The file of a release that says of which archive it was made."""
MOST_FILES, MOST_BYTES = 20_000, 500_000_000
_VERSION = re.compile(
    r"""^VERSION=([0-9A-Za-z.-]+)$|define\(\s*["']VERSION["']\s*,\s*["']([0-9A-Za-z.-]+)["']""", re.M
)


@dataclass(frozen=True)
class Member:
    """A regular file of an archive."""

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, sha256: str, releases: Path) -> Path:
    """Lay a release into its folder below `releases`, named by its version, and say which.

    Raises DemError, with nothing written, when the checksum is another, when it is not phpList, or when it
    reaches out of its folder.
    """
    if not archive.is_file():
        raise DemError(f"there is no archive {archive}")
    found = archives.digest(archive)
    if found != sha256.lower():
        raise DemError(f"{archive.name}: the SHA-256 is {found}, and should be {sha256}")
    try:
        with _opened(archive) as members:
            return _lay_out(archive, found, list(members), releases)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise DemError(f"{archive.name} can't be read: {error}") from error


@contextmanager
def fetched(archive: str) -> Iterator[Path]:
    """The file of an archive that is given as a path or as an https URL."""
    if "://" not in archive:
        yield Path(archive)
        return
    if not archive.startswith("https://"):
        raise DemError(f"{archive}: an archive comes over https, or from a file")
    with TemporaryDirectory(prefix="dem-archive-") as folder:
        file = Path(folder) / archive.rstrip("/").rpartition("/")[2]
        try:
            with urlopen(archive, timeout=60) as answer, file.open("wb") as copy:  # noqa: S310 - https alone
                shutil.copyfileobj(answer, copy)
        except (OSError, HTTPException) as error:
            raise DemError(f"{archive} can't be fetched: {error}") from error
        yield file


def _lay_out(archive: Path, sha256: str, members: list[Member], releases: Path) -> Path:
    if len(members) > MOST_FILES or sum(member.size for member in members) > MOST_BYTES:
        raise DemError(f"{archive.name} is larger than phpList ever was")
    for member in members:
        if member.path.is_absolute() or ".." in member.path.parts or "\\" in str(member.path):
            raise DemError(f"{archive.name}: {str(member.path)!r} leads out of its folder")
    root = next((_above(member.path) for member in members if str(member.path).endswith(MARK)), None)
    files = {str(member.path): member for member in members}
    if root is None or any(str(root / name) not in files for name in NEEDED):
        raise DemError(f"{archive.name} is not phpList: {', '.join(NEEDED)} have to be in it")
    version = _version(files, root)
    if not version:
        raise DemError(f"{archive.name} does not say which version of phpList it is")
    target = releases / version
    if target.exists():
        made_of = target / OF
        if made_of.exists() and made_of.read_text() != sha256:
            raise DemError(f"phpList {version} is here already, and was made of another archive")
        return target
    unfinished = releases / f".{version}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        for member in members:
            if root in member.path.parents:
                _write(member, unfinished / "public_html" / member.path.relative_to(root))
        (unfinished / "VERSION").write_text(f"VERSION={version}\n")
        (unfinished / OF).write_text(sha256)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _above(mark: PurePosixPath) -> PurePosixPath:
    return mark.parents[2]


def _version(files: dict[str, Member], root: PurePosixPath) -> str:
    for name in (str(root.parent / "VERSION"), str(root / MARK)):
        if name not in files:
            continue
        with files[name].open() as stream:
            found = _VERSION.search(stream.read(1 << 16).decode(errors="replace"))
        if found:
            return found.group(1) or found.group(2)
    return ""


def _write(member: Member, to: Path) -> None:
    to.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with member.open() as stream, to.open("wb") as file:
        shutil.copyfileobj(stream, file)
    to.chmod(0o644)


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield _of_zip(packed)
    else:
        with tarfile.open(archive) as tar:
            yield _of_tar(tar)


def _of_zip(packed: zipfile.ZipFile) -> Iterator[Member]:
    for info in packed.infolist():
        if info.external_attr >> 16 & 0o170000 == 0o120000:
            raise DemError(f"{info.filename!r} is a link: phpList has none")
        if not info.is_dir():
            yield Member(PurePosixPath(info.filename), info.file_size, partial(packed.open, info))


def _of_tar(tar: tarfile.TarFile) -> Iterator[Member]:
    for info in tar.getmembers():
        if info.isdir():
            continue
        if not info.isreg():
            raise DemError(f"{info.name!r} is no regular file: phpList has nothing else")
        yield Member(PurePosixPath(info.name), info.size, partial(_stream, tar, info))


def _stream(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    found = tar.extractfile(info)
    if found is None:
        raise DemError(f"{info.name!r} can't be read")
    return found
