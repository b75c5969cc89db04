"""The timers of the role operator_timers: of commands that there are, and all that the manual stars."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.testing
from ruamel.yaml import YAML

from provisioner.cli.app import app

ROOT = Path(__file__).resolve().parents[3]
TIMERS = YAML(typ="safe").load(ROOT / "roles/operator_timers/vars/main.yml")["__operator_timers_all"]
STARRED = re.compile(r"^\| [^|]* \* \| `([^`]+)` \|", re.MULTILINE)


def test_the_manual_stars_what_has_a_timer() -> None:
    starred = STARRED.findall((ROOT / "docs/operations.md").read_text())
    assert sorted(starred) == sorted(timer["arguments"] for timer in TIMERS)
    assert {"report warn", "report usage", "customer check-return-paths"} < set(starred)


@pytest.mark.parametrize("timer", TIMERS, ids=lambda timer: timer["name"])
def test_what_a_timer_runs_is_a_command(timer: dict[str, str]) -> None:
    words = timer["arguments"].split()
    said = typer.testing.CliRunner().invoke(app, [*words, "--help"])
    assert said.exit_code == 0, said.output
