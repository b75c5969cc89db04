"""What became of a message that was counted: Postfix's own log says so.

The policy is asked before a backend has its say. A message that the backend then refuses was counted and not
accepted: its line in the log gives the count back. And the last line of a session tells that it is over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(
    rb"postfix/submission\d+/smtpd\[(?P<pid>\d+)\]: "
    rb"(?:(?P<refused>proxy-reject: END-OF-MESSAGE: )|disconnect from )"
)


@dataclass(frozen=True)
class Outcome:
    """What the log said of the smtpd process `pid`: its last message was refused, or its session is over."""

    pid: int
    refused: bool


def read(line: bytes) -> Outcome | None:
    """The outcome that a line of the log tells of, if it does."""
    found = _LINE.search(line)
    return Outcome(int(found["pid"]), found["refused"] is not None) if found else None


class Follower:
    """Reads a growing log from its present end on, through rotation and truncation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._rest = b""
        self._open(at_end=True)

    def outcomes(self) -> Iterator[Outcome]:
        """What was added since the last call."""
        for line in self._lines():
            outcome = read(line)
            if outcome:
                yield outcome

    def _lines(self) -> Iterator[bytes]:
        if self._file is None:
            self._open(at_end=False)
        if self._file is None:
            return
        while chunk := os.read(self._file, 1 << 16):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from lines
        if self._replaced(self._file):
            os.close(self._file)
            self._file, self._rest = None, b""
            yield from self._lines()

    def _replaced(self, file: int) -> bool:
        mine = os.fstat(file)
        try:
            there = self._path.stat()
        except OSError:
            return False  # between two logs: the new one is not there yet
        return there.st_ino != mine.st_ino or there.st_size < os.lseek(file, 0, os.SEEK_CUR)

    def _open(self, *, at_end: bool) -> None:
        try:
            self._file = os.open(self._path, os.O_RDONLY)
        except OSError:
            return
        if at_end:
            os.lseek(self._file, 0, os.SEEK_END)
