"""Notes of what is under way. One that stays tells of what was cut off or failed: `status` shows it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "unfinished-"


@contextmanager
def noted(folder: Path, name: str, text: str, well: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Have a note in `folder` while something goes on.

    It stays, with the reason, after any other error than those that leave all `well`.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{PREFIX}{name}"
    with file.open("w") as note:
        fcntl.flock(note, fcntl.LOCK_EX)  # tells that it is under way, and ends with this process
        note.write(f"{text} (delete {file} when all is well)")
        note.flush()
        try:
            yield
        except Exception as error:
            if isinstance(error, well):
                file.unlink(missing_ok=True)
            else:
                note.write(f": {error}")
            raise
        file.unlink(missing_ok=True)


def left(folder: Path) -> list[str]:
    """What is noted and not under way any more."""
    found = []
    for file in sorted(folder.glob(f"{PREFIX}*")):
        with suppress(BlockingIOError, FileNotFoundError), file.open() as note:
            fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if file.exists():
                found.append(note.read())
    return found
