"""Remembers what files were found to hold, so that an inventory of ten thousand customers loads in a second.

A file is known by its size, times and inode, as git does it. One that was written just now is not kept: it
may be written again within the clock's granularity. What is kept are the objects that the rules in `core`
made of it, and they are for the very same rules alone: any change of that code begins anew.

The cache is a convenience: where it can't be opened or is damaged, files are read as if there were none. It
holds password hashes, as the inventory does, so its owner alone reads it. It is in Python's pickle format,
which whoever writes it could abuse; so one that anybody else could write is not opened.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import sqlite3
import stat
import time
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import pydantic
import yaml

import provisioner.core
from provisioner.adapters import yaml_files
from provisioner.adapters.cache import cache_dir

GROUPS = 256
"""Into how many parts it is divided: one file that changes has one part written anew."""

SETTLED = 2.0
"""Seconds that a file must have been left alone before what it holds is kept."""

Stamp = tuple[int, ...]
_Group = dict[str, tuple[Stamp, object]]


def stamp(*seen: os.stat_result) -> Stamp:
    """What changes whenever files do: of each its size, its two times, its inode."""
    return tuple(
        value for each in seen for value in (each.st_size, each.st_mtime_ns, each.st_ctime_ns, each.st_ino)
    )


class ValidatedCache:
    """What the files of one inventory were found to hold."""

    def __init__(self, inventory: Path) -> None:
        self._path = cache_dir() / "inventories" / f"{_digest(str(inventory.absolute()))}.sqlite"
        self._seen: dict[str, Stamp] = {}
        self._known: _Group = {}
        self._settled = (time.time() - SETTLED) * 1e9
        try:
            self._known = self._load()
        except Exception:  # what is damaged can fail in any way, and is read anew
            self._forget()

    def holds(self, file: str, *seen: os.stat_result) -> object:
        """What `file` holds, if that was kept when `seen` was as it is now; else None."""
        now = self._seen[file] = stamp(*seen)
        then, held = self._known.get(file, (None, None))
        return held if then == now else None

    def keep(self, found: Mapping[str, object]) -> None:
        """Write down what files that `holds` was asked about were found to hold; forget all others."""
        kept = {
            file: (seen, found[file])
            for file, seen in self._seen.items()
            if file in found and max(seen[1::4] + seen[2::4]) < self._settled
        }
        stale = {_group(file) for file, entry in kept.items() if self._known.get(file, ((),))[0] != entry[0]}
        stale |= {_group(file) for file in self._known.keys() - kept.keys()}
        if not stale:
            return
        groups: dict[int, _Group] = {number: {} for number in stale}
        for file, entry in kept.items():
            if (number := _group(file)) in stale:
                groups[number][file] = entry
        try:
            self._write((number, pickle.dumps(group)) for number, group in groups.items())
        except (sqlite3.Error, OSError):
            self._forget()

    def _forget(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _load(self) -> _Group:
        if not self._path.exists() or not all(_is_ours(path) for path in (self._path, self._path.parent)):
            return {}
        with sqlite3.connect(self._path, timeout=5) as database:
            known: _Group = {}
            for (content,) in database.execute("SELECT content FROM groups WHERE rules = ?", (_rules(),)):
                known.update(pickle.loads(content))  # noqa: S301 - it is ours
        database.close()
        return known

    def _write(self, rows: Iterable[tuple[int, bytes]]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        rules = _rules()
        with sqlite3.connect(self._path, timeout=5) as database:
            database.execute("CREATE TABLE IF NOT EXISTS groups (number PRIMARY KEY, rules, content)")
            database.execute("DELETE FROM groups WHERE rules != ?", (rules,))
            database.executemany(
                "INSERT OR REPLACE INTO groups VALUES (?, ?, ?)",
                ((number, rules, content) for number, content in rows),
            )
        database.close()


def _group(file: str) -> int:
    return zlib.crc32(file.encode()) % GROUPS


def _is_ours(path: Path) -> bool:
    seen = path.stat()
    return seen.st_uid == os.geteuid() and not seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _rules() -> str:
    """What changes whenever the same file could be found to hold something else."""
    code = [Path(yaml_files.__file__), *Path(provisioner.core.__file__).parent.glob("*.py")]
    sources = sorted((path.name, stamp(path.stat())) for path in code)
    return _digest(f"{sources} {platform.python_version()} {pydantic.VERSION} {yaml.__version__}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
