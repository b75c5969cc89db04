"""What the lab says when this machine's own network is in its way, and what it leaves behind."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provisioner.adapters import inventory_files, ssh_sockets
from provisioner.adapters.lab import definition, hosts, network
from provisioner.adapters.lab.commands import LabError
from provisioner.adapters.lab.identity import Identity
from provisioner.adapters.lab.layout import LabHost
from provisioner.adapters.lab.substrate import Substrate

LAB = inventory_files.find()


@dataclass(frozen=True)
class Told(Substrate):
    """podman as it is told, with one network that is there or not."""

    unified_cgroups: bool = True
    can_raise_limits: bool = True
    there: bool = False
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def podman(
        self, *arguments: str, check: bool = True, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        self.commands.append(arguments)
        said = b'[{"network_interface": "podman7"}]' if arguments[:2] == ("network", "inspect") else b""
        missing = arguments[:2] == ("network", "exists") and not self.there
        return subprocess.CompletedProcess(arguments, int(missing), said, b"")


def answers(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Every other command of the lab says this."""

    def run(argv: Sequence[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(argv, 0, said.encode(), b"")

    monkeypatch.setattr(network, "run", run)


def test_a_network_that_is_taken_is_to_be_changed_in_all_files(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, '[{"dst":"10.77.0.0/16"}]')
    with pytest.raises(LabError) as raised:
        network.create(definition.read(LAB), LAB, Told())
    files = raised.value.hint.removeprefix("Choose another network; change it in ").rstrip(".").split(", ")
    # All that a search of the files finds, be the address right or wrong.
    assert files == sorted(
        str(path.relative_to(LAB)) for path in LAB.rglob("*.yml") if "10.77.0." in path.read_text()
    )
    assert {"lab.yml", "hosts.yml", "group_vars/all/fleet.yml", "group_vars/world.yml"} <= set(files)


@pytest.mark.parametrize(
    ("bridged", "rules", "told"),
    [
        ("1", "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n", True),
        ("1", "-P FORWARD DROP\n-A FORWARD -i podman7 -o podman7 -j ACCEPT\n", False),
        ("1", "-P FORWARD ACCEPT\n", False),
        ("0", "-P FORWARD DROP\n", False),
        (None, "-P FORWARD DROP\n", False),
    ],
)
def test_a_packet_filter_that_cuts_machines_off_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bridged: str | None, rules: str, told: bool
) -> None:
    answers(monkeypatch, rules)
    if bridged is not None:
        (tmp_path / "proc/sys/net/bridge").mkdir(parents=True)
        (tmp_path / "proc/sys/net/bridge/bridge-nf-call-iptables").write_text(f"{bridged}\n")
    obstacle = network.obstacle(definition.read(LAB), Told(there=True), tmp_path)
    assert obstacle.endswith("iptables -I FORWARD -i podman7 -o podman7 -j ACCEPT") is told
    assert bool(obstacle) is told


def test_a_machine_is_made_with_what_systemd_needs(tmp_path: Path) -> None:
    told = Told(apparmor=True)
    hosts.start(
        definition.read(LAB),
        LabHost("fe1", IPv4Address("10.77.0.21")),
        "absent",
        Identity(tmp_path),
        told,
        "image",
    )
    assert "--security-opt=apparmor=unconfined" in told.commands[0]


def test_connections_are_forgotten_whoever_made_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = [ssh_sockets.folder(LAB), ssh_sockets.folder(tmp_path / "another"), ssh_sockets.shared()]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "10.77.0.21-22-deploy").touch()
        (folder / "10.77.0.22-22-deploy").touch()
    hosts.forget_connections(LAB, [LabHost("fe1", IPv4Address("10.77.0.21"))])
    assert [(folder / "10.77.0.21-22-deploy").exists() for folder in folders] == [False, True, False]
    assert all((folder / "10.77.0.22-22-deploy").exists() for folder in folders)
