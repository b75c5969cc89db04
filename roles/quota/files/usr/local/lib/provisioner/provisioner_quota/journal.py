"""What was accepted while no store answered: on disk before the client hears of it, added up afterwards."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from provisioner_quota.counters import Charge


class Journal:
    """A file of charges, a line each. Lines are only ever appended, until all are in the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.length = len(self.charges())
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, charge: Charge) -> None:
        """Write a charge so that it outlives a crash of the machine. Raises OSError (a full disk)."""
        os.write(self._file, json.dumps(asdict(charge)).encode() + b"\n")
        os.fdatasync(self._file)
        self.length += 1

    def charges(self) -> list[Charge]:
        """All charges in it; a line that a crash cut short was never confirmed, and is left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            facts = json.loads(line)
            found.append(Charge(**{**facts, "limits": tuple(facts["limits"])}))
        return found

    def clear(self) -> None:
        """Forget all, because all are in the store."""
        os.ftruncate(self._file, 0)
        os.fdatasync(self._file)
        self.length = 0
