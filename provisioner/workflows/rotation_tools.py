"""What a rotation reaches the world with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioner.workflows.ports import KeyMaker, Prober, Publisher, Resolver, SignersAsked
from provisioner.workflows.push import TenantPush
from provisioner.workflows.transitions import Happening


@dataclass(frozen=True)
class Tools:
    """What a run reaches the world with. publisher: None when no primary takes updates.

    audit: keeps for good what failed, and transitions before the inventory has them: twice perhaps, never not
    at all.
    """

    make: KeyMaker
    push: TenantPush
    signers: SignersAsked
    resolver: Resolver
    publisher: Publisher | None
    probe: Prober
    now: Callable[[], datetime]
    audit: Callable[[Sequence[Happening]], None] = lambda _: None
