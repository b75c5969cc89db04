"""What the role wrote about this host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = Path("/etc/provisioner/dem.json")


@dataclass(frozen=True)
class Database:
    """How the software's database is reached, over MariaDB's socket."""

    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """site: the web name; domain: of newsletters' From:; sender: their address; tag: in return paths.

    discussions: whether lists may be such that members write to.
    """

    software: str
    customer: str
    site: str
    domain: str
    title: str
    language: str
    sender: str
    admin: str
    account: str
    tag: str
    bounce_domain: str
    discussions: bool
    certificate: Path
    backup_folder: Path
    backups_kept: int
    database: Database


def load(file: Path = FILE) -> Settings:
    """Read the settings. Raises OSError when they are not this user's to read."""
    return parse(json.loads(file.read_text()))


def parse(data: Mapping[str, Any]) -> Settings:
    """The settings from what the file says."""
    paths = {key: Path(data[key]) for key in ("certificate", "backup_folder")}
    return Settings(**{**data, **paths, "database": Database(**data["database"])})
