"""Customers' suppression lists, where all frontends and servers find them: beside the counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from provisioner.adapters import counters
from provisioner.core.fleet import Host
from provisioner.core.suppression import Entry, Reason

AT_ONCE = 10_000
"""Entries that go to a frontend at a time."""


def every(frontends: Sequence[Host], customer: str) -> list[Entry]:
    """The whole list, by address. HostsFailed: no frontend can tell."""
    said = counters.ask(frontends, "suppressed", {"customer": customer})
    found = (
        Entry(address, Reason(reason), datetime.fromtimestamp(at, UTC), note)
        for address, reason, at, note in said
    )
    return sorted(found, key=lambda each: each.address)


def add(
    frontends: Sequence[Host], customer: str, entries: Sequence[Entry], progress: Callable[[int], None]
) -> int:
    """Put entries on a list; how many were not on it. progress: told how many are there. HostsFailed.

    What is on it already stays as it is, so that doing it again after a failure completes it.
    """
    added = 0
    for start in range(0, len(entries), AT_ONCE):
        some = [
            [each.address, each.reason.value, int(each.at.timestamp()), each.note]
            for each in entries[start : start + AT_ONCE]
        ]
        added += int(counters.ask(frontends, "suppress", {"customer": customer, "entries": some}))
        progress(start + len(some))
    return added


def remove(frontends: Sequence[Host], customer: str, addresses: Sequence[str]) -> list[str]:
    """Take addresses off a list; those that were on it. HostsFailed."""
    return list(counters.ask(frontends, "unsuppress", {"customer": customer, "addresses": list(addresses)}))
