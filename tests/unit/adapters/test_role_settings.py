"""Settings of roles, judged by what the roles say of themselves, before Ansible runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.adapters import inventory_files, role_settings
from provisioner.core.errors import InventoryError
from tests import samples


def told(root: Path) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        role_settings.load(root)
    return [f"{Path(each.file).name}:{each.line}: {each.message}" for each in raised.value.faults]


def settings(root: Path, text: str, file: str = "backends.yml") -> Path:
    samples.write(root)
    (root / "group_vars" / file).write_text(f"---\n{text}")
    return root


def test_all_that_is_wrong_with_settings_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    root = settings(
        tmp_path,
        "backend_frist_retry: 5m\nbackend_process_limit: many\nbackend_tls_policy: none\n"
        "backend_providers:\n  - {name: google}\nstate_port: [1]\n",
    )
    hosts = root / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("fe1: {", "fe1: {frontend_process_limit: x, "))
    (root / "customers/broken.yml").write_text("plan: nothing\n")
    found = told(root)
    assert "backends.yml:2: the role backend has no setting 'backend_frist_retry'" in found
    assert any(each.startswith("backends.yml:3: argument 'backend_process_limit'") for each in found)
    assert any("backend_tls_policy" in each and each.startswith("backends.yml:4") for each in found)
    assert any(each.startswith("backends.yml:5: missing required arguments") for each in found)
    assert any("frontend_process_limit" in each and each.startswith("hosts.yml:") for each in found)
    assert any(each.startswith("broken.yml:") for each in found)


def test_a_name_that_is_nearly_right_is_named(tmp_path: Path) -> None:
    root = settings(tmp_path, "backend_frist_retry: 5m\n")
    with pytest.raises(InventoryError) as raised:
        role_settings.load(root)
    assert [each.hint for each in raised.value.faults] == ["Did you mean 'backend_first_retry'?"]


@pytest.mark.parametrize(
    "text",
    [
        "backend_process_limit: 300\n",
        'backend_process_limit: "{{ 2 * 150 }}"\n',
        "our_own_variable: anything\n",
        "backend_providers: []\n",
        "resolver_options: {cache-max-ttl: 5}\n",
    ],
)
def test_what_roles_take_and_what_is_nobodys(tmp_path: Path, text: str) -> None:
    assert role_settings.load(settings(tmp_path, text)).settings.name == "test"


@pytest.mark.parametrize("name", ["example", "lab"])
def test_the_inventories_that_come_along_are_right(name: str) -> None:
    path = role_settings.ROLES.parent / "inventories" / name
    documents = list(inventory_files.faults(path, role_settings.problems))
    assert documents == []
