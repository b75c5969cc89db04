"""Days and hours of a customer's time zone.

A day is named by its date: when clocks change it has 23 or 25 hours. An hour is named by the moment at which
it began, so that the hour which comes twice in autumn is counted as two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR = 3600


@dataclass(frozen=True)
class Windows:
    """The day and the hour that a moment falls into: their names, and when they end (seconds since 1970)."""

    day: str
    day_ends: int
    hour: str
    hour_ends: int


def windows(moment: float, zone: str) -> Windows:
    """The windows of a moment. zone: an IANA name. Raises ZoneInfoNotFoundError."""
    # An offset from UTC changes on a quarter of an hour at most, so all its seconds share their windows.
    return _of_quarter(int(moment) // 900, zone)


@lru_cache(maxsize=4096)
def _of_quarter(quarter: int, zone: str) -> Windows:
    info = ZoneInfo(zone)
    local = datetime.fromtimestamp(quarter * 900, info)
    tomorrow = datetime.combine(local.date() + timedelta(days=1), time(), info)
    offset = local.utcoffset() or timedelta()
    into_hour = int(quarter * 900 + offset.total_seconds()) % HOUR
    began = quarter * 900 - into_hour
    return Windows(local.date().isoformat(), int(tomorrow.timestamp()), str(began), began + HOUR)


def clock(moment: float, zone: str) -> str:
    """A moment as people there read it: 2026-10-25 00:00 Europe/Rome."""
    return f"{datetime.fromtimestamp(moment, ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"
