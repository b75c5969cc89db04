"""A new inventory: what `init` writes is valid, explained, and the same as the example."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.adapters import inventory_files, scaffold_files, vault
from provisioner.core.errors import UsageError
from provisioner.core.plans import SHIPPED
from provisioner.core.scaffold import name_from

EXAMPLE = Path(__file__).parent.parent.parent.parent / "inventories" / "example"
ON_THIS_MACHINE = {".vault-password"}


def test_what_is_written_is_a_valid_inventory(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    scaffold_files.write(path, scaffold_files.validated("mine", "mail.hoster.example"))
    inventory = inventory_files.load(path)
    assert inventory.settings.name == "mine"
    assert inventory.settings.submission_name == "smtp.mail.hoster.example"
    assert {group for host in inventory.hosts for group in host.groups} == {
        "loadbalancers",
        "frontends",
        "backends",
        "state",
    }


def test_the_plans_written_are_those_that_hold_without_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    scaffold_files.write(path, scaffold_files.validated("mine", "mail.hoster.example"))
    assert inventory_files.load(path).plans == SHIPPED


def test_the_vault_password_is_secret_and_kept_out_of_git(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    files = scaffold_files.write(path, scaffold_files.validated("mine", "mail.hoster.example"))
    password = path / vault.DEFAULT_FILE
    assert password.stat().st_mode & 0o777 == 0o600
    assert vault.DEFAULT_FILE in files
    assert vault.DEFAULT_FILE in (path / ".gitignore").read_text().splitlines()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        scaffold_files.write(tmp_path, scaffold_files.validated("mine", "mail.hoster.example"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_names_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="not a domain"):
        scaffold_files.validated("mine", "no domain")


def test_the_example_is_what_init_writes() -> None:
    written = {
        str(path.relative_to(EXAMPLE)): path.read_text() for path in EXAMPLE.rglob("*") if path.is_file()
    }
    expected = scaffold_files.render(scaffold_files.validated("example", "operator.example"))
    assert {name: text for name, text in written.items() if name not in ON_THIS_MACHINE} == expected


def test_a_fleets_name_from_a_folders() -> None:
    assert [name_from(folder) for folder in ("Fleet North", "mine", "__")] == ["fleet-north", "mine", "fleet"]
