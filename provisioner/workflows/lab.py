"""From nothing to a running lab: its machines and secrets, then the same deployment as any fleet's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from provisioner.core.fleet import Inventory
from provisioner.workflows.fleet_secrets import ensure_secrets
from provisioner.workflows.ports import SecretStore

Say = Callable[[str], None]
"""Told what is being done, a sentence at a time."""


class Machines(Protocol):
    """The machines of a lab."""

    def up(self, say: Say) -> None:
        """Bring every machine to where SSH answers; those that run are left alone."""


def make_machines(
    machines: Machines, inventory: Inventory, secrets: SecretStore, say: Say, now: datetime
) -> None:
    """Start what does not run and make what is secret, so that the lab can be deployed.

    Stopped anywhere, it goes on when run again.
    """
    machines.up(say)
    made = ensure_secrets(inventory, secrets, now).made
    if made:
        say(f"Secrets, certificates and their authority made ({len(made)})")
