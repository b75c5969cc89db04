"""What was accepted while no store answered: on disk before the client hears of it, added up afterwards."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path

from provisioner_quota.counters import Charge

LOG = logging.getLogger("provisioner-quota")


class Journal:
    """A file of charges, a line each. Lines are only ever appended, until all are in the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        # A line that a crash cut short was never confirmed; the next one must not be joined to it.
        self._size = path.read_bytes().rfind(b"\n") + 1
        os.ftruncate(self._file, self._size)
        self.length = len(self.charges())

    def append(self, charge: Charge, used: tuple[int, int]) -> None:
        """Write a charge so that it outlives a crash of the machine. Raises OSError (a full disk).

        used: of its customer's day and hour, with it.
        """
        line = json.dumps({**charge._asdict(), "used": used}).encode() + b"\n"
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)
        self.length += 1

    def charges(self) -> list[Charge]:
        """All charges in it; what is none is left out, and logged."""
        return [charge for charge, _ in self.entries()]

    def entries(self) -> list[tuple[Charge, tuple[int, int]]]:
        """All charges in it, each with what was used with it."""
        found = []
        for number, line in enumerate(self._path.read_bytes().split(b"\n")[:-1], 1):
            try:
                facts = json.loads(line)
                day, hour = facts.pop("used", (0, 0))
                found.append((Charge(**{**facts, "limits": tuple(facts["limits"])}), (day, hour)))
            except (ValueError, KeyError, TypeError, AttributeError):
                LOG.error("line %d of the journal is no message, and not counted: %.200r", number, line)
        return found

    def clear(self) -> None:
        """Forget all, because all are in the store."""
        os.ftruncate(self._file, 0)
        os.fdatasync(self._file)
        self.length = self._size = 0
