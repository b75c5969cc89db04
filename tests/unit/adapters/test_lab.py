from __future__ import annotations

import stat
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provisioner.adapters.lab import definition
from provisioner.adapters.lab.identity import Identity
from provisioner.adapters.lab.layout import LabHost
from provisioner.adapters.lab.substrate import Substrate
from provisioner.core.errors import InventoryError, UsageError

LAB = "name: some-lab\nnetwork: 10.99.0.0/24\nresolver: 10.99.0.53\n"
HOSTS = """\
all:
  children:
    frontends:
      hosts:
        fe1: {ansible_host: 10.99.0.21}
        fe2: {ansible_host: 10.99.0.22}
    backends:
      hosts:
        be1: {ansible_host: 10.99.0.31}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    (tmp_path / "lab.yml").write_text(LAB)
    (tmp_path / "hosts.yml").write_text(HOSTS)
    return tmp_path


def test_the_inventory_says_which_machines_there_are(inventory: Path) -> None:
    lab = definition.read(inventory)
    assert [host.name for host in lab.hosts] == ["fe1", "fe2", "be1"]
    assert lab.gateway == IPv4Address("10.99.0.1")
    assert lab.container("fe1") == "some-lab-fe1"


def test_a_part_of_the_lab(inventory: Path) -> None:
    assert [host.name for host in definition.read(inventory, frozenset({"be1"})).hosts] == ["be1"]
    with pytest.raises(UsageError, match="fe9"):
        definition.read(inventory, frozenset({"fe9"}))


def test_real_hosts_are_no_lab(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(HOSTS)
    with pytest.raises(UsageError, match=r"lab\.yml"):
        definition.read(tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("lab.yml", "10.99.0.0/24", "10.99.0.0/99", ["lab.yml:2: network:"]),
        (
            "lab.yml",
            "resolver:",
            "resolvers:",
            ["lab.yml:1: 'resolver' is missing", "lab.yml:3: unknown key"],
        ),
        ("lab.yml", "name:", "name: [", ["not valid YAML"]),
        ("hosts.yml", "10.99.0.31", "10.99.0.310", ["hosts.yml:"]),
        ("hosts.yml", "10.99.0.31", "10.98.0.31", ["hosts.yml", "is not in 10.99.0.0/24"]),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    inventory: Path, file: str, old: str, new: str, told: list[str]
) -> None:
    path = inventory / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InventoryError) as caught:
        definition.read(inventory)
    words = "\n".join(str(fault) for fault in caught.value.faults)
    assert all(each in words for each in told), words


def test_keys_are_made_once_and_read_by_nobody_else(tmp_path: Path) -> None:
    first, second = Identity(tmp_path / "keys"), Identity(tmp_path / "keys")
    assert first.public_key == second.public_key
    assert first.host_key("fe1") == second.host_key("fe1") != first.host_key("fe2")
    for path in [first.private_key_file, *(tmp_path / "keys/host-keys").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_host_keys_are_known_before_the_first_connection(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    line = identity.write_known_hosts([LabHost("fe1", IPv4Address("10.99.0.21"))]).read_text()
    assert line.startswith("fe1,10.99.0.21 ssh-ed25519 ")
    assert identity.write_known_hosts([LabHost("fe1", IPv4Address("10.99.0.21"))]).read_text() == line


def test_podman_is_called_as_the_machine_allows() -> None:
    ordinary = Substrate(unified_cgroups=True, can_raise_limits=True)
    assert ordinary.argv(["ps"]) == ["podman", "ps"]
    assert ordinary.run_options == []
    small = Substrate(unified_cgroups=False, can_raise_limits=False)
    assert small.argv(["ps"])[:1] == ["nsenter"]
    assert small.argv(["ps"])[-3:] == ["podman", "--runtime=runc", "ps"]
    assert "--pids-limit=0" in small.run_options
    assert any(option.startswith("--ulimit=nofile=") for option in small.run_options)
