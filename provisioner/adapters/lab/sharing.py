"""What all labs of this machine share: who is at work with it, and the last one tidies up."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("/run/lock") if Path("/run/lock").is_dir() else Path(tempfile.gettempdir())


@contextmanager
def at_work(folder: Path = FOLDER) -> Iterator[Callable[[], bool]]:
    """While a lab comes up or goes down. Gives what says, for good, whether no other does so.

    Once it has said yes, others wait at the beginning until this one ends.
    """
    with _opened(folder / "provisioner-labs") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)

        def is_the_only() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(lock, fcntl.LOCK_SH)  # the attempt gave it up
                return False
            return True

        yield is_the_only


@contextmanager
def one_at_a_time(folder: Path = FOLDER) -> Iterator[None]:
    """While what all share is made or taken away."""
    with _opened(folder / "provisioner-labs.making") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A lock file, which stays: who waits for it holds the same one. For root and for users with sudo."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    except PermissionError:  # another user's, in a folder where only its owner may open it to create it
        lock = os.open(path, os.O_RDONLY)
    try:
        yield lock
    finally:
        os.close(lock)
