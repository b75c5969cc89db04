"""Whom to tell that most or all of a day's plan is used. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.core.usage import Usage

LEVELS = (100, 80)
"""Per cent of the day's recipients; each is told once a day, the higher one alone when both are due."""


@dataclass(frozen=True)
class UsageNotice:
    """One customer to be told, of one level, on one of its days."""

    usage: Usage
    level: int
    day: str

    @property
    def names(self) -> tuple[str, ...]:
        """What stands for "was told": this level's name first, then those of lower ones, told with it."""
        return tuple(f"{self.usage.counter}:{self.day}:{level}" for level in LEVELS if level <= self.level)


def due(usages: Iterable[Usage]) -> list[UsageNotice]:
    """A notice for each customer whose day is used to one of the levels."""
    found = []
    for usage in usages:
        level = next((level for level in LEVELS if usage.share * 100 >= level), None)
        if level is not None:
            found.append(UsageNotice(usage, level, next(iter(usage.days))))
    return found
