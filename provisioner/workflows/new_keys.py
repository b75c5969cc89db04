"""New DKIM keys, made here and kept in the inventory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from provisioner.core.dkim import Algorithm, DkimKey, KeyState
from provisioner.core.records import selector
from provisioner.workflows.ports import KeyMaker, TenantStore


def generate(
    store: TenantStore, make: KeyMaker, domain: str, slot: int, now: datetime, taken: Iterable[str] = ()
) -> tuple[DkimKey, ...]:
    """Make the keys of a slot and keep them in the inventory, save those whose selector is taken."""
    pairs = []
    for algorithm in Algorithm:
        if selector(algorithm, slot) in taken:
            continue
        public, private = make(algorithm)
        key = DkimKey(
            domain=domain,
            selector=selector(algorithm, slot),
            algorithm=algorithm,
            slot=slot,
            state=KeyState.GENERATED,
            created=now,
            since=now,
            public=public,
        )
        pairs.append((key, private))
    if pairs:
        store.add_keys(domain, pairs)
    return tuple(key for key, _ in pairs)
