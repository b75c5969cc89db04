"""Who has sent which notice to a customer: each name is taken once, whoever asks, over the whole fleet."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner_store.store import Store

KEPT = 2 * 86_400
"""Seconds that a name stays taken: longer than any day."""


async def claim(store: Store, names: Sequence[str]) -> list[bool]:
    """Take names; for each whether it was free. Raises StoreError."""
    return [await store.call("SET", f"notice:{name}", 1, "NX", "EX", KEPT) is not None for name in names]


async def release(store: Store, names: Sequence[str]) -> int:
    """Give names back; how many were taken. Raises StoreError."""
    return int(await store.call("DEL", *(f"notice:{name}" for name in names)))
