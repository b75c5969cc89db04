"""Remembers what YAML files said, so that an inventory of ten thousand customers loads in a second.

A file is known by its size, times and inode, as git does it. One that was written just now is not kept: it
may be written again within the clock's granularity. The cache is a convenience: where it can't be opened, is
of another version or damaged, files are read as if there were none. It holds password hashes, as the
inventory does, and is readable by its owner alone; of encrypted values it keeps only that they are encrypted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from provisioner.adapters.cache import cache_dir
from provisioner.core.documents import Encrypted

FORMAT = 1
SETTLED = 2.0
"""Seconds that a file must have been left alone before what it says is kept."""

_ENCRYPTED = "\0encrypted"
Stamp = tuple[int, int, int, int]


class ParsedCache:
    """What the files of one inventory said when they were last read."""

    def __init__(self, inventory: Path) -> None:
        self._known: dict[str, tuple[str, str]] = {}
        self._fresh: dict[str, tuple[str, str]] = {}
        self._used: set[str] = set()
        self._path = cache_dir() / "inventories" / f"{_digest(str(inventory.absolute()))}.sqlite"
        try:
            self._known = self._load()
        except (sqlite3.Error, OSError):
            self._known = {}

    def data(self, file: str, path: Path, read: Callable[[], object]) -> object:
        """What `file` says: remembered when `path` is as it was, else as `read` has it now."""
        seen = path.stat()
        stamp = f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_ino}"
        self._used.add(file)
        known = self._known.get(file)
        if known is not None and known[0] == stamp:
            return json.loads(known[1], object_hook=_decode)
        data = read()
        if time.time() - max(seen.st_mtime, seen.st_ctime) > SETTLED:
            # What JSON can't say exactly, a date for one, is read each time.
            with contextlib.suppress(TypeError, ValueError):
                self._fresh[file] = (stamp, json.dumps(data, default=_encode))
        return data

    def keep(self) -> None:
        """Write down what was read anew, and forget files that are gone."""
        gone = self._known.keys() - self._used
        if not self._fresh and not gone:
            return
        try:
            with self._open() as database:
                database.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in gone])
                rows = [(name, *entry) for name, entry in self._fresh.items()]
                database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)
            database.close()
        except (sqlite3.Error, OSError):
            self._path.unlink(missing_ok=True)

    def _load(self) -> dict[str, tuple[str, str]]:
        if not self._path.exists():
            return {}
        database = self._open()
        rows = database.execute("SELECT name, stamp, data FROM files").fetchall()
        database.close()
        return {name: (stamp, data) for name, stamp, data in rows}

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(self._path, timeout=5)
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            database.execute("DROP TABLE IF EXISTS files")
            database.execute("CREATE TABLE files (name TEXT PRIMARY KEY, stamp TEXT, data TEXT)")
            database.execute(f"PRAGMA user_version = {FORMAT}")
        return database


def _encode(value: object) -> object:
    if isinstance(value, Encrypted):
        return {_ENCRYPTED: True}
    raise TypeError


def _decode(value: dict[str, object]) -> object:
    return Encrypted("") if _ENCRYPTED in value else value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
