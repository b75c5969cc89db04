"""What is kept for good of who changed what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

HELD = "held"
"""The action of an entry that says why nothing could be done."""


@dataclass(frozen=True)
class AuditEntry:
    """One thing that somebody did. subject: what it was done to; seen: what it rests on; both in words."""

    at: datetime
    who: str
    subject: str
    action: str
    why: str = ""
    seen: str = ""
