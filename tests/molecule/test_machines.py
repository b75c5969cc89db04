"""What becomes of machines that died with everything that knew of them."""

from __future__ import annotations

from provisioner.adapters.lab import EmbeddedLab
from provisioner.adapters.lab.commands import run
from provisioner.adapters.lab.hosts import container_states
from tests.molecule.conftest import INVENTORY


def test_machines_that_died_unnoticed_are_made_again(lab: EmbeddedLab) -> None:
    part = EmbeddedLab(INVENTORY, limit=frozenset({"dns1"}))
    machine, mirror = (lab.lab.container(name) for name in ("dns1", "mirror"))
    said: list[str] = []
    part.up(said.append)
    for name in (machine, mirror):  # as when a build machine is emptied: whoever would tell podman goes first
        form = "--format={{.State.ConmonPid}} {{.State.Pid}}"
        run(["kill", "-KILL", *lab.substrate.podman("inspect", form, name).stdout.decode().split()])
    assert container_states(part.lab, part.substrate) == {machine: "dead", mirror: "dead"}
    part.up(said.append)
    assert container_states(part.lab, part.substrate) == {machine: "running", mirror: "running"}
    assert "1 started now" in said[-1]
