"""What became of a message that was counted: Postfix's own log says so.

The policy is asked before a backend has its say. A message that the backend then refuses was counted and not
accepted. Which message a refusal is of can't be told from the order of questions: Postfix also notes one of
a text that was too long to be asked about. So the answer that lets a message pass has Postfix note its
instance first (access(5), INFO); a process has one message at a time, and writes its lines in order.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

LOG = logging.getLogger("provisioner-quota")
COUNTED = "counted as"
"""What stands before the instance in the answer, and so in the log."""

# From the line's beginning on: what clients write comes later in a line, and could look like one.
_LINE = re.compile(
    rb"[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S+ postfix/submission\d+/smtpd\[(?P<pid>\d+)\]: "
    rb"(?:NOQUEUE: info: END-OF-MESSAGE from \S+: " + COUNTED.encode() + rb" (?P<counted>\S+);"
    rb"|(?P<decided>proxy-(?:accept|(?P<refused>reject)): END-OF-MESSAGE: )"
    rb"|disconnect from )"
)


class Event(Enum):
    """What a line tells of a process: a message was counted, accepted, or refused; its session is over."""

    COUNTED = auto()
    ACCEPTED = auto()
    REFUSED = auto()
    GONE = auto()


@dataclass(frozen=True)
class Line:
    """What the log said of the smtpd process `pid`; instance: of the message that was counted."""

    pid: int
    event: Event
    instance: str = ""


@dataclass(frozen=True)
class Outcome:
    """What happened in the smtpd process `pid`: `refused` is to be given back; or its session is over."""

    pid: int
    refused: str | None = None


def read(line: bytes) -> Line | None:
    """What a line of the log tells, if it concerns us."""
    found = _LINE.match(line)
    if found is None:
        return None
    pid = int(found["pid"])
    if found["counted"]:
        return Line(pid, Event.COUNTED, found["counted"].decode("ascii", "replace"))
    if found["decided"]:
        return Line(pid, Event.REFUSED if found["refused"] else Event.ACCEPTED)
    return Line(pid, Event.GONE)


class Follower:
    """Reads a growing log from its present end on, through rotation and truncation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = False
        self._rest = b""
        self._counted: dict[int, str] = {}
        self._file = self._opened()
        if self._file is not None:
            os.lseek(self._file, 0, os.SEEK_END)

    def outcomes(self) -> Iterator[Outcome]:
        """What was added since the last call."""
        for text in self._lines():
            line = read(text)
            if line is None:
                continue
            if line.event is Event.COUNTED:
                self._counted[line.pid] = line.instance
                continue
            counted = self._counted.pop(line.pid, None)
            if line.event is Event.GONE:
                yield Outcome(line.pid)
            elif line.event is Event.REFUSED and counted is not None:
                yield Outcome(line.pid, counted)

    def _lines(self) -> Iterator[bytes]:
        if self._file is None:
            self._file = self._opened()
        if self._file is None:
            return
        # Looked at first: once something stands in a new log nobody writes here any more, and all is read.
        replaced = self._replaced(self._file)
        yield from self._read(self._file)
        if replaced and (following := self._opened()) is not None:
            os.close(self._file)
            self._file, self._rest = following, b""
            yield from self._read(following)

    def _read(self, file: int) -> Iterator[bytes]:
        while chunk := os.read(file, 1 << 16):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from lines

    def _replaced(self, file: int) -> bool:
        """Whether Postfix writes into another file by now, or into this one from its beginning on.

        A new log is empty until postlogd, of which there is one at a time (master.cf), is told to take it up.
        """
        mine = os.fstat(file)
        try:
            there = self._path.stat()
        except OSError:
            return False  # between two logs: the new one is not there yet
        if there.st_ino != mine.st_ino:
            return there.st_size > 0
        return there.st_size < os.lseek(file, 0, os.SEEK_CUR)

    def _opened(self) -> int | None:
        """The log; None when it can't be read, which is told once until it can."""
        try:
            file = os.open(self._path, os.O_RDONLY)
        except OSError as error:
            if not self._told:
                LOG.error(
                    "nothing is given back, and no session ends: Postfix's log can't be read: %s", error
                )
            self._told = True
            return None
        self._told = False
        return file
