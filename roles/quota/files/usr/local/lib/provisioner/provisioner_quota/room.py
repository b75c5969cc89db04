"""How full the store is. Once it is full it counts nothing more, though it still answers."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from provisioner_store.store import StoreError

from provisioner_quota import metrics
from provisioner_quota.counters import Counters

LOG = logging.getLogger("provisioner-quota")
LOOK = 60.0
"""Seconds between looks."""

NEARLY = 0.8
"""From where on it is told."""


async def watch(counters: Counters) -> None:
    """Keep the metric, and log once when the store begins to be nearly full."""
    told = False
    while True:
        with suppress(StoreError):  # that it is away is told by `outage`
            share = await counters.fullness()
            metrics.STORE_FULL.set(share)
            if share >= NEARLY and not told:
                LOG.warning("the counter store's memory is %.0f %% full: raise state_maxmemory", share * 100)
            told = share >= NEARLY
        await asyncio.sleep(LOOK)
