"""Backups of the list server, and back from them."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner_dem import archives, debian
from provisioner_dem.commands import run
from provisioner_dem.settings import Settings
from provisioner_dem.software import Change, DemError, NotBackError, Software

DATABASE, DATA = "database.sql", "data.tar.gz"
STATE = Path("/var/lib/provisioner-dem")
"""What this tool keeps: declarations, and here it puts aside what a restore replaces."""
DAILY = "provisioner-dem-"


@dataclass(frozen=True)
class Keeper:
    """Makes backups of a software's data and puts them back."""

    settings: Settings
    software: Software

    def backup(self, archive: Path) -> dict[str, object]:
        """One file with the database, the folders and their digests; the lists go on meanwhile."""
        archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._workshop() as folder:
            members = {DATABASE: folder / DATABASE, DATA: folder / DATA}
            self._dump(members[DATABASE])
            with tarfile.open(members[DATA], "w:gz", compresslevel=6) as tar:
                for path in (*self.software.folders, STATE / "declarations.jsonl"):
                    if path.exists():
                        tar.add(path, str(path).lstrip("/"), filter=_plain)
            manifest = archives.Manifest(
                self.settings.software,
                self.software.version(),
                self.settings.site,
                datetime.now(UTC).isoformat(timespec="seconds"),
                {name: archives.digest(path) for name, path in members.items()},
            )
            archives.write(archive, manifest, members)
        return {"file": str(archive), "sha256": archives.digest(archive), "bytes": archive.stat().st_size}

    def daily(self) -> dict[str, object]:
        """One more backup in the folder for them; the oldest beyond those that are kept go."""
        folder = self.settings.backup_folder
        name = f"{DAILY}{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
        made = self.backup(folder / name)
        for old in sorted(folder.glob(f"{DAILY}*.tar"))[: -self.settings.backups_kept]:
            old.unlink()
        return made

    def restore(self, archive: Path) -> dict[str, object]:
        """Check the archive whole, then put its data in place of what is here; on failure that comes back."""
        with self._workshop() as folder:
            manifest = archives.unpack(archive, folder)
            theirs = (manifest.software, manifest.site)
            if theirs != (self.settings.software, self.settings.site):
                raise DemError(
                    f"{archive} is of {' at '.join(theirs)},"
                    f" this host has {self.settings.software} at {self.settings.site}"
                )
            allowed = (*self.software.folders, STATE / "declarations.jsonl")
            with tarfile.open(folder / DATA, "r:gz") as tar:
                archives.check_inside(tar, allowed)
            before = folder / "before.sql"
            self._dump(before)
            with self._standstill(debian.active(*self.software.services)):
                try:
                    self._put(folder / DATABASE, folder / DATA)
                except (DemError, OSError, tarfile.TarError) as error:
                    self._load_back(before, error)
                    raise
        subscribers = sum(found.subscribers for found in self.software.lists())
        return {"software": manifest.software, "version": manifest.version, "subscribers": subscribers}

    def upgrade(self, archive: str, sha256: str) -> Change:
        """Install a newer version; when it is not well, everything is as before and DemError says why."""
        with self._workshop() as folder:
            dump = folder / "before.sql"
            running = debian.active(*self.software.services)
            try:
                return self.software.upgrade(archive, sha256, lambda: self._dump(dump))
            except DemError as error:
                with self._standstill(running):
                    if dump.exists():
                        self._load_back(dump, error)
                raise

    @contextmanager
    def _workshop(self) -> Iterator[Path]:
        STATE.mkdir(mode=0o700, exist_ok=True)
        with TemporaryDirectory(prefix="work-", dir=STATE) as folder:
            yield Path(folder)

    @contextmanager
    def _standstill(self, running: Sequence[str]) -> Iterator[None]:
        debian.services("stop", *self.software.services)
        try:
            yield
        finally:
            # One that does not start must not hide what went wrong before: `status` tells.
            for unit in reversed(running):
                run(["systemctl", "start", unit], check=False)

    def _dump(self, file: Path) -> None:
        """The whole database, or no file."""
        part = file.with_suffix(".part")
        argv = ["mariadb-dump", "--single-transaction", "--routines", "--triggers", "--hex-blob",
                f"--result-file={part}", self.settings.database.name]  # fmt: skip
        run(argv)
        part.rename(file)

    def _load(self, dump: Path) -> None:
        name = self.settings.database.name
        run(["mariadb"], f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4;")
        run(["sh", "-c", 'exec mariadb "$1" < "$2"', "sh", name, str(dump)])

    def _load_back(self, dump: Path, why: Exception) -> None:
        """Load what was dumped before a change that failed. When even that fails, the dump is kept."""
        try:
            self._load(dump)
        except DemError as error:
            kept = STATE / f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sql"
            shutil.move(dump, kept)
            raise NotBackError(f"{why}; then {error}: the database as it was is in {kept}") from error

    def _put(self, dump: Path, data: Path) -> None:
        aside: list[tuple[Path, Path]] = []
        try:
            for path in self.software.folders:
                if path.exists():
                    kept = path.with_name(f".{path.name}.before-{os.getpid()}")
                    path.rename(kept)
                    aside.append((kept, path))
            with tarfile.open(data, "r:gz") as tar:
                tar.extractall("/", filter="tar")
            self._load(dump)
        except (DemError, OSError, tarfile.TarError):
            for kept, path in aside:
                shutil.rmtree(path, ignore_errors=True)
                kept.rename(path)
            raise
        for kept, _ in aside:
            shutil.rmtree(kept, ignore_errors=True)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    # Sockets, links and the like are not data; a backup brings back files and folders alone.
    return member if member.isreg() or member.isdir() else None
