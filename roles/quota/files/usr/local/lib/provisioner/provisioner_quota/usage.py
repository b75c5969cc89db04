"""What was counted, for the operator's tool."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from provisioner_quota.counters import Counters, day_key, hour_key
from provisioner_quota.windows import windows

_HOUR = "hour"


async def usage(counters: Counters, asked: dict[str, Any], moment: float) -> dict[str, Any]:
    """Counts of customers. asked: {"days": N, "customers": {name: time zone}}; moment: now, since 1970.

    Returns {name: {"days": {date: recipients}, "hour": recipients in this hour}}, newest day first.
    """
    places: list[tuple[str, str]] = []
    keys: list[str] = []
    for customer, zone in asked["customers"].items():
        found = windows(moment, zone)
        today = date.fromisoformat(found.day)
        days = [(today - timedelta(days=back)).isoformat() for back in range(asked["days"])]
        places += [(customer, day) for day in days] + [(customer, _HOUR)]
        keys += [day_key(customer, day) for day in days] + [hour_key(customer, found.hour)]
    answer: dict[str, Any] = {customer: {"days": {}, _HOUR: 0} for customer in asked["customers"]}
    for (customer, window), count in zip(places, await counters.counts(keys), strict=True):
        (answer[customer] if window == _HOUR else answer[customer]["days"])[window] = count
    return answer
