"""Machines that died with everything that knew of them, that were stopped half made, that are to go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioner.adapters.lab import EmbeddedLab
from provisioner.adapters.lab.commands import run
from provisioner.adapters.lab.hosts import container_states
from provisioner.adapters.lab.substrate import NAMESPACE
from provisioner.cli.app import INTERRUPTED
from tests.molecule.conftest import INVENTORY

ONE = "dns1"


@pytest.fixture
def part() -> EmbeddedLab:
    """The lab, of which one machine is enough."""
    return EmbeddedLab(INVENTORY, limit=frozenset({ONE}))


def test_machines_that_died_unnoticed_are_made_again(lab: EmbeddedLab, part: EmbeddedLab) -> None:
    machine, mirror = (lab.lab.container(name) for name in (ONE, "mirror"))
    said: list[str] = []
    part.up(said.append)
    for name in (machine, mirror):  # as when a build machine is emptied: whoever would tell podman goes first
        form = "--format={{.State.ConmonPid}} {{.State.Pid}}"
        run(["kill", "-KILL", *lab.substrate.podman("inspect", form, name).stdout.decode().split()])
    assert container_states(part.lab, part.substrate) == {machine: "dead", mirror: "dead"}
    part.up(said.append)
    assert container_states(part.lab, part.substrate) == {machine: "running", mirror: "running"}
    assert "1 started now" in said[-1]


def test_up_goes_on_where_it_was_stopped(lab: EmbeddedLab, part: EmbeddedLab) -> None:
    lab.down(lambda _: None)
    lab.substrate.prepare()
    machine, mirror = (lab.lab.container(name) for name in (ONE, "mirror"))
    command = [sys.executable, "-m", "provisioner", "-i", str(INVENTORY), "lab", "up", "--machines-only"]
    with subprocess.Popen(
        [*command, "--limit", ONE],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as up:
        while up.poll() is None and machine not in container_states(lab.lab, lab.substrate):
            time.sleep(0.05)
        os.killpg(up.pid, signal.SIGINT)  # as a terminal does: whatever runs below is meant too
        said = up.communicate(timeout=60)[0].decode()
    assert up.returncode == INTERRUPTED, said
    part.up(lambda _: None)
    assert container_states(lab.lab, lab.substrate) == {machine: "running", mirror: "running"}
    login = subprocess.run([*lab.ssh_command(ONE), "hostname"], capture_output=True, timeout=30, check=True)
    assert login.stdout.decode().strip() == ONE


def test_down_leaves_nothing(lab: EmbeddedLab, part: EmbeddedLab) -> None:
    part.up(lambda _: None)
    network = part.substrate.podman("network", "inspect", "--format={{.NetworkInterface}}", lab.lab.name)
    bridge = network.stdout.decode().strip()
    table = lab.lab.name.replace("-", "_")

    def traces() -> list[bool]:
        return [
            run(["ip", "link", "show", bridge], check=False).returncode == 0,
            run(["nft", "list", "table", "inet", table], check=False).returncode == 0,
        ]

    assert traces() == [True, True]
    lab.down(lambda _: None)
    assert traces() == [False, False]
    private = NAMESPACE.exists()
    lab.substrate.prepare()
    assert container_states(lab.lab, lab.substrate) == {}
    assert lab.substrate.podman("network", "exists", lab.lab.name, check=False).returncode != 0
    # Where podman needs a mount namespace of its own, that goes with the last lab.
    others = lab.substrate.podman("ps", "--all", "--quiet").stdout.split()
    assert private is (bool(others) and not lab.substrate.unified_cgroups)
    lab.down(lambda _: None)
