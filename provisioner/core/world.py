"""What the lab's receiving world can be told, and what it tells: behaviours and received messages."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Behaviour(StrEnum):
    """How the world treats a recipient, or every recipient of a domain."""

    ACCEPT = "accept"
    DEFER = "defer"
    REJECT = "reject"
    SLOW = "slow"
    FULL = "full"


class ReceivedMessage(BaseModel):
    """A message that arrived: one line of `world-mail list`."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    path: str
    domain: str
    to: str | None
    sender: str
    from_: str | None = Field(alias="from")
    subject: str | None
    message_id: str | None
    arrived: datetime
    authentication_results: str | None
    headers: tuple[tuple[str, str], ...] = ()

    def result(self, method: str) -> str:
        """What the world found by `spf`, `dkim` or `dmarc` (RFC 8601 2.7): `pass`, `fail`, …; else empty."""
        found = re.search(rf"\b{method}=([a-z]+)", self.authentication_results or "")
        return found.group(1) if found else ""
