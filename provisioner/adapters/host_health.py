"""Ask hosts how they are: one command each, all at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources

from provisioner.adapters.ssh import Ssh, on_each
from provisioner.core.fleet import Host
from provisioner.core.health import HostHealth, expected_services


def look(hosts: Sequence[Host], virtual_address: str) -> list[HostHealth]:
    """The health of every host of a fleet, in their order; those that do not answer say why."""
    stores = sum("state" in host.groups for host in hosts)
    program = resources.files("provisioner.adapters").joinpath("remote_health.py").read_bytes()

    def ask(ssh: Ssh) -> HostHealth:
        groups = tuple(sorted(ssh.host.groups))
        command = ["sudo", "python3", "-", virtual_address, *expected_services(groups, stores)]
        result = ssh.run(command, program)
        try:
            said = json.loads(result.stdout)
        except ValueError:
            return HostHealth(ssh.host.name, groups, silent=result.complaint)
        return HostHealth(name=ssh.host.name, groups=groups, **said)

    return [
        outcome.value
        or HostHealth(
            outcome.host.name,
            tuple(sorted(outcome.host.groups)),
            silent=outcome.error.reason if outcome.error else "nothing said",
        )
        for outcome in on_each(hosts, ask)
    ]
