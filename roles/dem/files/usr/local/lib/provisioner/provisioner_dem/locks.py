"""Who may touch the data: as many as like, or one that replaces it."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from provisioner_dem.software import DemError

LOCK = Path("/run/provisioner-dem.lock")
"""There since the host has started (tmpfiles.d). Root and the software's user may open it, nobody else."""
PATIENCE = 900.0
"""Seconds that who can wait does."""
_STEP = 0.1


class BusyError(DemError):
    """The data is in somebody's hands."""


@contextmanager
def touching() -> Iterator[None]:
    """Change something, which a restore or an upgrade would lose. Raises BusyError: nobody waits here."""
    with _held(fcntl.LOCK_SH, 0.0, "a restore or an upgrade is under way"):
        yield


@contextmanager
def reading() -> Iterator[None]:
    """Read all of it as it is; others change it meanwhile. Raises BusyError when it takes too long."""
    with _held(fcntl.LOCK_SH, PATIENCE, "a restore or an upgrade is under way"):
        yield


@contextmanager
def replacing() -> Iterator[None]:
    """Have it alone. Raises BusyError when it takes too long."""
    with _held(fcntl.LOCK_EX, PATIENCE, "another backup, restore or upgrade is under way"):
        yield


@contextmanager
def _held(kind: int, patience: float, why: str) -> Iterator[None]:
    end = time.monotonic() + patience
    waits = False
    with LOCK.open("rb") as file:
        # Asked again and again: a short while between two bounces is enough, so many of them keep nobody out.
        while not _taken(file, kind):
            if time.monotonic() >= end:
                raise BusyError(f"{why}: try again later")
            if not waits:
                print(f"waiting: {why}", file=sys.stderr, flush=True)
            waits = True
            time.sleep(_STEP)
        yield


def _taken(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
