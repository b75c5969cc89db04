"""The inventory's audit log: a line of JSON an entry, only ever longer."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from provisioner.adapters.yaml_files import SECRET_MODE
from provisioner.core.audit import HELD, AuditEntry

NAME = "audit.jsonl"
_FACTS = re.compile(r'"subject": "(?P<subject>[^"\\]*)", "action": "(?P<action>[^"\\]*)"')


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

    def held(self, over: Collection[str]) -> dict[str, AuditEntry]:
        """By subject, what last kept something from being done to it.

        over: how actions begin after which that is over.
        """
        found: dict[str, str] = {}
        if self._path.exists():
            with self._path.open(encoding="utf-8") as lines:
                for line in lines:
                    # To parse every line of a log that only grows would take longer than all else.
                    if (facts := _FACTS.search(line)) is None:
                        continue
                    if facts["action"] == HELD:
                        found[facts["subject"]] = line
                    elif facts["action"].startswith(tuple(over)):
                        found.pop(facts["subject"], None)
        return {subject: _entry(json.loads(line)) for subject, line in found.items()}

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
