"""Read which lab an inventory describes: `lab.yml` names it, `hosts.yml` lists its machines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from provisioner.adapters.inventory_files import HOSTS, shown
from provisioner.adapters.lab.layout import Lab, LabHost
from provisioner.adapters.yaml_files import YamlError, locate, parse
from provisioner.core.documents import Document, Documents, Problem, model_problems
from provisioner.core.errors import Fault, InventoryError, UsageError
from provisioner.core.fleet import Host
from provisioner.core.hosts import parse_hosts
from provisioner.core.names import Slug

SETTINGS = "lab.yml"


class Settings(BaseModel):
    """What `lab.yml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Slug
    network: IPv4Network
    resolver: IPv4Address


def read(inventory: Path, limit: frozenset[str] = frozenset()) -> Lab:
    """The lab that `inventory` describes; with `limit`, only those of its machines.

    Raises UsageError when the inventory is not a lab's, or `limit` names a machine that is not in it;
    InventoryError with every fault in the two files.
    """
    if not (inventory / SETTINGS).is_file():
        raise UsageError(
            f"{inventory} is not a lab: it has no {SETTINGS}.",
            hint="Labs are made on this machine; real hosts are deployed with 'provisioner deploy'.",
        )
    about, listed = _document(inventory, SETTINGS), _document(inventory, HOSTS)
    settings, problems = _settings(about)
    hosts, wrong = parse_hosts(Documents(inventory, Document("", {}), listed))
    problems += wrong
    if settings is not None:
        problems += _strangers(hosts, settings.network)
    if settings is None or problems:
        raise InventoryError(_fault(inventory, problem) for problem in problems)
    names = [host.name for host in hosts]
    if unknown := limit.difference(names):
        raise UsageError(
            f"No such machine in {inventory}: {', '.join(sorted(unknown))}.",
            hint=f"It has {', '.join(names)}.",
        )
    wanted = (host for host in hosts if not limit or host.name in limit)
    machines = tuple(LabHost(host.name, IPv4Address(host.address)) for host in wanted)
    return Lab(settings.name, settings.network, settings.resolver, machines)


def naming(inventory: Path, network: IPv4Network) -> list[str]:
    """The files of an inventory that name addresses of its network: all change with it."""
    found = []
    for path in sorted(inventory.rglob("*.yml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(_is_in(network, number) for number in re.findall(r"\d+(?:\.\d+){3}", text)):
            found.append(str(path.relative_to(inventory)))
    return found


def _is_in(network: IPv4Network, number: str) -> bool:
    try:
        return IPv4Address(number) in network
    except ValueError:  # a version, a date
        return False


def _document(inventory: Path, file: str) -> Document:
    path = inventory / file
    try:
        return Document(file, parse(path.read_text(encoding="utf-8")))
    except YamlError as error:
        raise InventoryError([Fault(shown(path), error.line, str(error))]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InventoryError([Fault(shown(path), None, f"cannot be read: {error}")]) from error


def _settings(about: Document) -> tuple[Settings | None, list[Problem]]:
    if not isinstance(about.data, dict):
        return None, [Problem(SETTINGS, (), "is not a mapping of name, network and resolver")]
    try:
        return Settings.model_validate(about.data), []
    except ValidationError as error:
        return None, list(model_problems(error, Settings, SETTINGS))


def _strangers(hosts: Sequence[Host], network: IPv4Network) -> Iterator[Problem]:
    """Machines whose address is not the lab's to give."""
    for host in hosts:
        if host.address not in network:
            message = f"host {host.name!r} has the address {host.address}, which is not in {network}"
            yield Problem(HOSTS, (), message, f"The network is set in {SETTINGS}")


def _fault(inventory: Path, problem: Problem) -> Fault:
    path = inventory / problem.file
    line = locate(path.read_text(encoding="utf-8"), problem.path)
    return Fault(shown(path), line, problem.message, problem.hint)
