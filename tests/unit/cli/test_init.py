"""`provisioner init`: a new inventory, what to do next, and nothing touched that was there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from provisioner.adapters import inventory_files, role_settings, vault
from provisioner.adapters.role_settings import ROLES
from tests import samples
from tests.unit.cli.running import Run


@pytest.fixture
def path(run: Run) -> Path:
    return run.root / "Fleet North"


def test_a_new_inventory_is_written_and_can_be_used(run: Run, path: Path) -> None:
    made = run("init", str(path), "--domain", "mail.hoster.example")
    assert made.code == 0
    inventory = inventory_files.load(path)
    assert (inventory.settings.name, inventory.settings.domain) == ("fleet-north", "mail.hoster.example")
    written = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    assert written == set(re.findall(r"^  ([^\s1-5]\S*)$", made.out, re.MULTILINE))
    assert (path / vault.DEFAULT_FILE).read_text().strip() not in made.out
    assert f"export PROVISIONER_INVENTORY={shlex.quote(str(path))}\n" in made.out


def test_each_setting_that_it_explains_is_one_and_has_the_default_that_it_says(run: Run, path: Path) -> None:
    run("init", str(path))
    roles = {
        file.parent.parent.name: yaml.safe_load(file.read_text())
        for file in ROLES.glob("*/defaults/main.yml")
    }
    defaults = {name: value for role in roles.values() for name, value in (role or {}).items()}
    explained: dict[str, object] = {}
    for file in path.glob("group_vars/**/*.yml"):
        lines = file.read_text().splitlines()
        commented = "\n".join(line[2:] for line in lines if re.match(r"# ([a-z_]+:|[ -])", line))
        explained |= yaml.safe_load(commented) or {}
    ours = {name: value for name, value in explained.items() if name in defaults}
    assert ours == {name: defaults[name] for name in ours}
    assert {name.partition("_")[0] for name in ours} >= {"backend", "bounces", "common", "frontend", "quota"}
    assert {name.partition("_")[0] for name in ours} >= {"loadbalancer", "resolver", "state"}
    for file in path.glob("group_vars/*.yml"):
        file.write_text(re.sub(r"^# ([a-z_]+:|  )", r"\1", file.read_text(), flags=re.MULTILINE))
    assert role_settings.load(path).settings.name == "fleet-north"


def test_each_command_that_it_names_next_is_one(run: Run, path: Path) -> None:
    said = run("init", str(path)).out
    named = re.findall(r"^  \d\. provisioner ([a-z ]+[a-z])", said, re.MULTILINE)
    assert named == ["deploy", "dns show", "customer add"]
    for command in named:
        assert run(*command.split(), "--help").code == 0


def test_a_folder_with_something_in_it_is_left_alone(run: Run) -> None:
    before = samples.snapshot(run.root)
    refused = run("init", str(run.root))
    assert refused.code == 2
    assert "already exists" in refused.err
    assert samples.snapshot(run.root) == before


def test_a_domain_that_is_none_is_refused_before_anything_is_written(run: Run, path: Path) -> None:
    refused = run("init", str(path), "--domain", "no domain")
    assert refused.code == 2
    assert not path.exists()


def test_the_example_is_what_it_writes(run: Run) -> None:
    run("init", str(run.root / "example"))
    made = samples.snapshot(run.root / "example")
    del made[vault.DEFAULT_FILE]
    assert made == samples.snapshot(ROLES.parent / "inventories/example")
