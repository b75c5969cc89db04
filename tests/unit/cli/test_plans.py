"""A plans.yml with faults: every one is named with its place, and nothing happens."""

from __future__ import annotations

import pytest

from tests import samples
from tests.unit.cli.running import Run

PLANS = """\
---
base:
  recipients_per_day: 0
  messages_per_minute: -5
  connections: 5
business:
  recipients_per_hour: many
  above_limit: bounce
  colour: red
"""

FAULTS = [
    "plans.yml:3: recipients_per_day: input should be greater than or equal to 1, not 0",
    "plans.yml:4: messages_per_minute: input should be greater than or equal to 1, not -5",
    "plans.yml:7: recipients_per_hour: input should be a valid integer",
    "plans.yml:8: above_limit: input should be 'defer' or 'reject', not 'bounce'",
    "plans.yml:9: unknown key 'colour'",
]


@pytest.mark.parametrize(
    "command",
    [
        ("customer", "list"),
        ("customer", "set-plan", "acme", "business"),
        ("customer", "override", "acme", "connections", "3", "--until", "2099-01-01", "--reason", "x"),
        ("customer", "push"),
        ("status",),
    ],
)
def test_every_fault_of_the_plans_is_told_and_nothing_done(run: Run, command: tuple[str, ...]) -> None:
    (run.root / "plans.yml").write_text(PLANS)
    before = samples.snapshot(run.root)
    told = run(*command)
    assert told.code == 2
    assert told.out == ""
    assert "5 faults; nothing was changed" in told.err
    places = [line.removeprefix(f"{run.root}/") for line in told.err.splitlines() if "plans.yml:" in line]
    assert places == FAULTS
    assert samples.snapshot(run.root) == before
    assert not run.push.bundles
