from __future__ import annotations

from provisioner.core.notices import due
from provisioner.core.usage import Usage


def used(name: str, today: int, limit: int | None) -> Usage:
    return Usage(name, "base", today, limit, 0, None, {"2026-11-23": today})


def test_the_higher_level_alone_is_due_and_includes_the_lower() -> None:
    usages = [
        used("a", 79, 100),
        used("b", 80, 100),
        used("c", 100, 100),
        used("d", 9, None),
        used("e", 7, 0),
    ]
    assert [(each.usage.customer, each.level, each.names) for each in due(usages)] == [
        ("b", 80, ("b:2026-11-23:80",)),
        ("c", 100, ("c:2026-11-23:100", "c:2026-11-23:80")),
    ]
