"""What a host says of the tenant bundle it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TenantState:
    """The bundle that a host has active, with the SHA-256 of each file, and the one before it.

    missing_keys: ids of signing keys that it needs and does not hold. stray_keys: that it holds, needlessly.
    """

    version: str | None
    previous: str | None
    files: Mapping[str, str]
    missing_keys: frozenset[str]
    stray_keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HostResult:
    """What a push did on one host: `version` and `seconds` when ok, else `message`."""

    host: str
    ok: bool
    version: str | None = None
    seconds: float = 0.0
    message: str = ""
