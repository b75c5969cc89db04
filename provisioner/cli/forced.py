"""Going on although a check says no: `--force` with a `--reason`, which the audit log keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import audit_file
from provisioner.adapters.audit_file import AuditFile
from provisioner.cli import wiring
from provisioner.core.audit import AuditEntry
from provisioner.core.errors import UsageError

Force = Annotated[bool, typer.Option("--force", help="Even so; needs a --reason, which the audit log keeps.")]
Why = Annotated[str, typer.Option("--reason", help="Why, with --force.")]


@dataclass(frozen=True)
class Forced:
    """Whether to go through what is not open, and why. Raises UsageError without a reason."""

    force: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        if self.force and not self.reason:
            raise UsageError("--force needs a --reason, which the audit log keeps")


def note(path: Path, subject: str, doing: str, why: str, seen: str) -> None:
    """Have the audit log keep who did what although something was wrong, and what that was."""
    AuditFile(path).append([AuditEntry(wiring.now(), audit_file.who(), subject, doing, why, seen)])
