"""From Ansible's YAML inventory to hosts: groups, addresses, how they are reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from provisioner.core.documents import Document, Documents, KeyPath, Problem
from provisioner.core.fleet import FLEET_GROUPS, LAB_GROUPS, Address, Connection, Host
from provisioner.core.ssh_arguments import VARIABLES, filled_in, read

_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_GROUP_KEYS = {"hosts", "children", "vars"}


@dataclass
class _Found:
    """What is collected about a host while the tree of groups is walked."""

    path: KeyPath
    groups: list[str] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)


def parse_hosts(documents: Documents) -> tuple[tuple[Host, ...], list[Problem]]:
    """The hosts whose address is known, in the file's order, and everything that is wrong with any."""
    walk = _Walk(documents.hosts)
    hosts: list[Host] = []
    for name, found in walk.hosts.items():
        merged = _variables(documents, walk, name, found)
        host = _host(documents, name, found, merged, walk.problems)
        if host:
            hosts.append(host)
    return tuple(hosts), walk.problems


class _Walk:
    """Walks the groups of `hosts.yml`, each group's ancestors' variables under its own."""

    def __init__(self, document: Document) -> None:
        self.file = document.file
        self.problems: list[Problem] = []
        self.hosts: dict[str, _Found] = {}
        self.group_variables: dict[str, dict[str, object]] = {}
        if not isinstance(document.data, Mapping):
            self._wrong((), "is not a mapping of groups")
            return
        for group, body in document.data.items():
            self._group(str(group), body, (str(group),), ())

    def _wrong(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, path, message, hint))

    def _mapping(
        self, body: Mapping[object, object], key: str, path: KeyPath
    ) -> Iterator[tuple[str, object]]:
        value = body.get(key)
        if isinstance(value, Mapping):
            yield from ((str(name), inner) for name, inner in value.items())
        elif value is not None:
            self._wrong((*path, key), f"{key!r} is not a mapping")

    def _group(self, group: str, body: object, path: KeyPath, ancestors: tuple[str, ...]) -> None:
        if body is None:
            return
        if not isinstance(body, Mapping):
            self._wrong(path, f"group {group!r} is not a mapping")
            return
        for key in body:
            if key not in _GROUP_KEYS:
                self._wrong(
                    (*path, str(key)),
                    f"unknown key {key!r} in group {group!r}",
                    "Known: hosts, children, vars",
                )
        if group in ancestors:
            self._wrong(path, f"group {group!r} is its own child")
            return
        lineage = (*ancestors, group)
        self.group_variables.setdefault(group, {}).update(self._mapping(body, "vars", path))
        for name, variables in self._mapping(body, "hosts", path):
            self._add_host(name, variables, (*path, "hosts", name), lineage)
        for child, inner in self._mapping(body, "children", path):
            self._group(child, inner, (*path, "children", child), lineage)

    def _add_host(self, name: str, variables: object, path: KeyPath, lineage: tuple[str, ...]) -> None:
        found = self.hosts.setdefault(name, _Found(path))
        found.groups += [group for group in lineage if group not in found.groups]
        if isinstance(variables, Mapping):
            found.variables.update({str(key): value for key, value in variables.items()})
            if "ansible_host" in variables:
                found.path = path
        elif variables is not None:
            self._wrong(path, f"host {name!r} is not a mapping")


def _variables(documents: Documents, walk: _Walk, name: str, found: _Found) -> dict[str, object]:
    """A host's variables in Ansible's order of precedence, as far as it concerns reaching it."""
    groups = ["all", *(group for group in found.groups if group != "all")]
    merged: dict[str, object] = {}
    for group in groups:
        merged.update(walk.group_variables.get(group, {}))
        merged.update(_merge(documents.group_vars.get(group, ())))
    merged.update(found.variables)
    merged.update(_merge(documents.host_vars.get(name, ())))
    return merged


def _merge(documents: Sequence[Document]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for document in documents:
        if isinstance(document.data, Mapping):
            merged.update({str(key): value for key, value in document.data.items()})
    return merged


def _address(value: object) -> Address | None:
    try:
        return ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _host(
    documents: Documents, name: str, found: _Found, variables: Mapping[str, object], problems: list[Problem]
) -> Host | None:
    file = documents.hosts.file
    if not _HOST_NAME.fullmatch(name):
        hint = "Each host has an entry of its own, named by one label: letters a-z, digits, hyphens"
        problems.append(Problem(file, found.path, f"{name!r} is not a host name", hint))
    groups = frozenset(found.groups) - {"all", "ungrouped"}
    if groups.isdisjoint((*FLEET_GROUPS, *LAB_GROUPS)):
        hint = f"Put it into one of {', '.join(FLEET_GROUPS)}"
        problems.append(Problem(file, found.path, f"host {name!r} is in no group that has a role", hint))
    given = variables.get("ansible_host")
    address = _address(given)
    if given is None:
        problems.append(
            Problem(file, found.path, f"host {name!r} has no ansible_host", "Give its IP address")
        )
    elif address is None:
        path = (*found.path, "ansible_host")
        problems.append(Problem(file, path, f"ansible_host of {name!r}: {given!r} is not an IP address"))
    egress = _egress(file, name, found, variables, problems)
    if address is None:
        return None
    pools = _pools(file, name, found, variables, problems)
    return Host(name, address, groups, egress or (address,), pools, _connection(documents, variables))


def _egress(
    file: str, name: str, found: _Found, variables: Mapping[str, object], problems: list[Problem]
) -> tuple[Address, ...]:
    given = variables.get("egress_addresses", [])
    path = (*found.path, "egress_addresses")
    if not isinstance(given, list):
        problems.append(Problem(file, path, f"egress_addresses of {name!r} is not a list of IP addresses"))
        return ()
    addresses: list[Address] = []
    for index, item in enumerate(given):
        address = _address(item)
        if address is None:
            message = f"egress_addresses of {name!r}: {item!r} is not an IP address"
            problems.append(Problem(file, (*path, index), message))
        else:
            addresses.append(address)
    return tuple(addresses)


def _pools(
    file: str, name: str, found: _Found, variables: Mapping[str, object], problems: list[Problem]
) -> tuple[tuple[str, Address], ...]:
    given = variables.get("egress_pools", {})
    path = (*found.path, "egress_pools")
    if not isinstance(given, Mapping):
        problems.append(
            Problem(file, path, f"egress_pools of {name!r} is not a mapping of pools to addresses")
        )
        return ()
    pools: list[tuple[str, Address]] = []
    for pool, item in given.items():
        address = _address(item)
        if not _HOST_NAME.fullmatch(str(pool)):
            problems.append(Problem(file, (*path, str(pool)), f"{pool!r} is not a pool's name"))
        elif address is None:
            message = f"egress_pools of {name!r}: {item!r} is not an IP address"
            problems.append(Problem(file, (*path, str(pool)), message))
        else:
            pools.append((str(pool), address))
    return tuple(sorted(pools))


def _connection(documents: Documents, variables: Mapping[str, object]) -> Connection:
    def text(*names: str) -> str | None:
        value = next((variables[name] for name in names if name in variables), None)
        return None if value is None else filled_in(value, documents.path)

    arguments = read(" ".join(filter(None, map(text, VARIABLES))))
    port = text("ansible_port") or "22"
    return Connection(
        user=text("ansible_user"),
        port=int(port) if port.isdigit() else 22,
        private_key=text("ansible_ssh_private_key_file", "ansible_private_key_file"),
        known_hosts=arguments.known_hosts,
        proxy_command=arguments.proxy_command,
        proxy_jump=arguments.proxy_jump,
    )
