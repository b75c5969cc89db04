"""What `dns verify --since-last` found the last time, kept in the inventory."""

from __future__ import annotations

import json
from pathlib import Path

from provisioner.adapters.yaml_files import write_atomic
from provisioner.core.errors import UsageError
from provisioner.core.findings import Status
from provisioner.core.regressions import Known

NAME = "readiness.json"
_MODE = 0o640


def load(inventory: Path, look: str) -> Known | None:
    """What was known by this kind of look; None: nothing was ever kept. Raises UsageError."""
    file = inventory / NAME
    looks = _read(file)
    if look not in looks:
        return None
    try:
        return {
            subject: {check: Status(status) for check, status in checks.items()}
            for subject, checks in looks[look].items()
        }
    except (AttributeError, ValueError) as error:
        raise _damaged(file, error) from error


def save(inventory: Path, look: str, known: Known) -> None:
    """Keep it, beside what is kept of other kinds of look. Raises UsageError."""
    file = inventory / NAME
    write_atomic(file, json.dumps(_read(file) | {look: known}, indent=1) + "\n", mode=_MODE)


def _read(file: Path) -> dict[str, dict[str, dict[str, str]]]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(file, error) from error
    if not isinstance(kept, dict):
        raise _damaged(file, "not what was written")
    return kept


def _damaged(file: Path, why: object) -> UsageError:
    return UsageError(
        f"{file} can't be read: {why}",
        hint="Remove it: the next run looks, keeps what it finds, and tells nothing",
    )
