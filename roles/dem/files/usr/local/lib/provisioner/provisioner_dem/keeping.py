"""Backups of the list server, and back from them."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from provisioner_dem import archives, debian, locks, notes, outbox
from provisioner_dem.commands import run
from provisioner_dem.settings import Settings
from provisioner_dem.software import Change, DemError, NotBackError, RolledBackError, Software

DATABASE, DATA = "database.sql", "data.tar.gz"
STATE = Path("/var/lib/provisioner-dem")
"""What this tool keeps: declarations, notes, and here it puts aside what a restore replaces."""
DAILY = "provisioner-dem-"
WORK = "work-"

Aside = list[tuple[Path, Path]]
"""What was set aside, and where it belongs."""


@dataclass(frozen=True)
class Keeper:
    """Makes backups of a software's data and puts them back."""

    settings: Settings
    software: Software

    def backup(self, archive: Path) -> dict[str, object]:
        """One file with the database, the folders and their digests; the lists go on meanwhile."""
        archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locks.reading(), self._workshop() as folder:
            members = {DATABASE: folder / DATABASE, DATA: folder / DATA}
            self._dump(members[DATABASE])
            with tarfile.open(members[DATA], "w:gz", compresslevel=6) as tar:
                for path in self._paths():
                    archives.pack(tar, path)
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
        folder, now = self.settings.backup_folder, datetime.now(UTC)
        with notes.noted(STATE, "backup", f"the daily backup of {now:%Y-%m-%d %H:%M} UTC did not succeed"):
            made = self.backup(folder / f"{DAILY}{now:%Y%m%dT%H%M%SZ}.tar")
            for old in sorted(folder.glob(f"{DAILY}*.tar"))[: -self.settings.backups_kept]:
                old.unlink()
        return made

    def hours(self, now: float) -> int | None:
        """Whole hours since the newest of the daily backups; None when there is none."""
        made = [file.stat().st_mtime for file in self.settings.backup_folder.glob(f"{DAILY}*.tar")]
        return int((now - max(made)) // 3600) if made else None

    def restore(self, archive: Path) -> dict[str, object]:
        """Check the archive whole, then put its data in place of what is here; on failure that comes back.

        held: how much a campaign had yet to send when the backup was made. Nobody can tell who of its readers
        has it by now, so it is held back for somebody to decide.
        """
        with locks.replacing(), self._workshop() as folder:
            manifest = self._checked(archive, folder)
            before = folder / "before.sql"
            with self._standstill("restore"):
                held = self._replace(manifest, folder, before)
            self._tidy(folder)
        return {
            "software": manifest.software,
            "version": self.software.version(),
            "subscribers": sum(found.subscribers for found in self.software.lists()),
            "held": held,
        }

    def upgrade(self, archive: str, sha256: str) -> Change:
        """Install a newer version; when it is not well, everything is as before and DemError says why."""
        with locks.replacing(), self._workshop() as folder, ExitStack() as standstill:
            dump, stands = folder / "before.sql", False

            def still() -> None:
                nonlocal stands
                standstill.enter_context(self._standstill("upgrade"))
                stands = True
                self._dump(dump)

            try:
                return self.software.upgrade(archive, sha256, still)
            except Exception as error:  # whatever it is, all has to come back
                if stands:
                    self._back([], dump, error)
                raise

    @contextmanager
    def _workshop(self) -> Iterator[Path]:
        STATE.mkdir(mode=0o700, exist_ok=True)
        with TemporaryDirectory(prefix=WORK, dir=STATE) as folder:
            yield Path(folder)

    def _paths(self) -> Sequence[Path]:
        return (*self.software.folders, STATE / "declarations.jsonl")

    def _checked(self, archive: Path, folder: Path) -> archives.Manifest:
        """Lay a backup into a folder. Raises DemError when it is none for this host."""
        manifest = archives.unpack(archive, folder)
        theirs, ours = (manifest.software, manifest.site), (self.settings.software, self.settings.site)
        if theirs != ours:
            raise DemError(f"{archive} is of {' at '.join(theirs)}, this host has {' at '.join(ours)}")
        installed = self.software.version()
        if debian.newer(manifest.version, installed):
            raise DemError(
                f"{archive} is of {manifest.software} {manifest.version}, this host has {installed}:"
                " upgrade it first, then restore"
            )
        with tarfile.open(folder / DATA, "r:gz") as tar:
            archives.check_inside(tar, self._paths())
        return manifest

    @contextmanager
    def _standstill(self, what: str) -> Iterator[None]:
        """Nothing runs, and a note says what goes on; it stays unless all is new, or as it was before."""
        running = debian.to_start(*self.software.services)
        text = (
            f"the {what} that began at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC did not end: restore a backup,"
            f" which clears this; what was here is below {STATE} and in folders named .NAME.before-NUMBER"
        )
        try:
            debian.services("stop", *self.software.services)
            with notes.noted(STATE, what, text, (RolledBackError,)):
                yield
        finally:
            # One that does not start must not hide what went wrong before: `status` tells.
            for unit in reversed(running):
                run(["systemctl", "start", unit], check=False)

    def _replace(self, manifest: archives.Manifest, folder: Path, before: Path) -> int:
        aside: Aside = []
        try:
            self._dump(before)
            administrator = self._administrator()
            self._put(folder / DATA, aside)
            self._load(folder / DATABASE)
            if debian.newer(self.software.version(), manifest.version):
                self.software.migrate(manifest.version)
            if administrator:
                self.software.keep_administrator(administrator)
            debian.begin_well(self.software)
            held = self.software.waiting()
            if held:
                outbox.pause()
        except Exception as error:  # whatever it is, all has to come back
            self._back(aside, before, error)
        return held

    def _administrator(self) -> str:
        # Who restores onto a new host knows the password that this one was made with.
        try:
            return self.software.administrator()
        except (DemError, OSError):  # the database may be what is broken
            return ""

    def _put(self, data: Path, aside: Aside) -> None:
        for path in self._paths():
            kept = path.with_name(f".{path.name}.before-{os.getpid()}")
            if path.is_dir():
                path.rename(kept)
            elif path.exists():  # declarations stay, where a backup has none
                shutil.copy2(path, kept)
            else:
                continue
            aside.append((kept, path))
        with tarfile.open(data, "r:gz") as tar:
            tar.extractall("/", filter="tar")

    def _back(self, aside: Aside, dump: Path, why: Exception) -> NoReturn:
        """Put back what was here before a change that failed, and raise RolledBackError.

        What can't be put back is kept; then, and where the software is not back, NotBackError tells.
        """
        try:
            debian.services("stop", *self.software.services)
            for kept, path in aside:
                _remove(path)
                kept.rename(path)
            if dump.exists():
                self._load(dump)
        except (DemError, OSError) as error:
            kept = STATE / f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sql"
            if dump.exists():
                shutil.move(dump, kept)
            raise NotBackError(f"{why}; then {error}: the database as it was is in {kept}") from error
        raise why if isinstance(why, NotBackError) else RolledBackError(str(why)) from why

    def _tidy(self, folder: Path) -> None:
        """All is new: what changes that were cut off have left is of no use any more."""
        left = [old for path in self._paths() for old in path.parent.glob(f".{path.name}.before-*")]
        left += [old for old in STATE.glob(f"{WORK}*") if old != folder]
        for old in left:
            _remove(old)
        (STATE / f"{notes.PREFIX}upgrade").unlink(missing_ok=True)

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


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
