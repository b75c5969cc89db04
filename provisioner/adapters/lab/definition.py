"""Read which lab an inventory describes: `lab.yml` names it, `hosts.yml` lists its machines."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from provisioner.adapters.lab.layout import Lab, LabHost
from provisioner.core.errors import UsageError


def read(inventory: Path, limit: frozenset[str] = frozenset()) -> Lab:
    """The lab that `inventory` describes; with `limit`, only those of its machines.

    Raises: UsageError when the inventory is not a lab's, or `limit` names a machine that is not in it.
    """
    settings = inventory / "lab.yml"
    if not settings.is_file():
        raise UsageError(
            f"{inventory} is not a lab: it has no lab.yml.",
            hint="Labs are made on this machine; real hosts are deployed with 'provisioner deploy'.",
        )
    yaml = YAML(typ="safe")
    about = yaml.load(settings)
    hosts = dict(_hosts(yaml.load(inventory / "hosts.yml")))
    unknown = limit - hosts.keys()
    if unknown:
        raise UsageError(
            f"No such machine in {inventory}: {', '.join(sorted(unknown))}.",
            hint=f"It has {', '.join(hosts)}.",
        )
    return Lab(
        name=about["name"],
        network=IPv4Network(about["network"]),
        resolver=IPv4Address(about["resolver"]),
        hosts=tuple(LabHost(name, hosts[name]) for name in hosts if not limit or name in limit),
    )


def _hosts(group: dict[str, Any]) -> Iterator[tuple[str, IPv4Address]]:
    """Every host below a group of an Ansible inventory that has an address."""
    for name, content in group.items():
        if name == "hosts":
            for host, variables in (content or {}).items():
                if variables and "ansible_host" in variables:
                    yield host, IPv4Address(variables["ansible_host"])
        elif isinstance(content, dict):
            yield from _hosts(content)
