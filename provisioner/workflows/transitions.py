"""What a rotation did to keys, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import Action


@dataclass(frozen=True)
class Transition:
    """One step that was done and noted: what the audit log keeps. seen: what it rests on."""

    domain: str
    slot: int
    action: Action
    state: KeyState
    at: datetime
    why: str = ""
    seen: str = ""

    @property
    def subject(self) -> str:
        """What it was done to, in words."""
        return f"{self.domain} slot {self.slot}"

    @property
    def told(self) -> str:
        """What was done, in words."""
        return f"{self.action.value}: {self.state.value}"


@dataclass(frozen=True)
class Fault:
    """What somebody has to see to: no time that passes mends it. at: when it was seen last."""

    domain: str
    slot: int
    message: str
    at: datetime = field(compare=False)

    @property
    def subject(self) -> str:
        """What is held by it, in words."""
        return f"{self.domain} slot {self.slot}"


Happening = Transition | Fault
"""What the audit log keeps of a rotation."""
