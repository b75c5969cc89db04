"""The inventory's audit log: a line of JSON an entry, only ever longer."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from provisioner.adapters.yaml_files import SECRET_MODE
from provisioner.core.audit import HELD, AuditEntry

NAME = "audit.jsonl"


def who() -> str:
    """Who acts: the user that logged in, also through sudo, and the machine."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"


class AuditFile:
    """The log of one inventory."""

    def __init__(self, inventory: Path) -> None:
        self._path = inventory / NAME

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries, which are on disk when this returns. Several may write at once."""
        if not entries:
            return
        lines = [json.dumps(asdict(entry) | {"at": entry.at.isoformat()}) + "\n" for entry in entries]
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, SECRET_MODE)
        try:
            os.write(handle, "".join(lines).encode())
            os.fdatasync(handle)
        finally:
            os.close(handle)

    def held(self) -> dict[str, AuditEntry]:
        """By subject, what last kept something from being done to it."""
        if not self._path.exists():
            return {}
        with self._path.open(encoding="utf-8") as lines:
            # To parse every line of a log that only grows would take longer than all else.
            found = [json.loads(line) for line in lines if f'"action": "{HELD}"' in line]
        return {facts["subject"]: _entry(facts) for facts in found}

    def entries(self, subjects: Collection[str]) -> Iterator[AuditEntry]:
        """What was done to these, or to something of them (`acme.example`, `acme.example slot 2`)."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                facts = json.loads(line)
                if facts["subject"].partition(" ")[0] in subjects:
                    yield _entry(facts)


def _entry(facts: dict[str, Any]) -> AuditEntry:
    return AuditEntry(**facts | {"at": datetime.fromisoformat(facts["at"])})
