"""One tree of errors, caught once, in `cli.app`. What is shown to a person is the message and the hint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class ProvisionerError(Exception):
    """Something that a person has to know; `hint` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CheckFailed(ProvisionerError):  # noqa: N818 - reads as what happened
    """A check failed or a plan is blocked; exit code 1."""


class UsageError(ProvisionerError):
    """What was asked for makes no sense; exit code 2, nothing changed."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong in an input file: where, what, and what to do about it."""

    file: str
    line: int | None
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


class InventoryError(UsageError):
    """The inventory, or another file that is read as a whole, is wrong; carries every fault, exit code 2."""

    def __init__(self, faults: Iterable[Fault], what: str = "The inventory") -> None:
        self.faults = tuple(sorted(faults, key=lambda f: (f.file, f.line or 0, f.message)))
        count = len(self.faults)
        super().__init__(f"{what} has {count} fault{'' if count == 1 else 's'}; nothing was changed.")


class HostsFailed(ProvisionerError):  # noqa: N818
    """A host could not be reached or Ansible failed on it; exit code 3. Running again completes the work."""

    exit_code = 3
