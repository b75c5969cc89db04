"""Settings of roles in an inventory's files: where each stands, and which no role knows. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from provisioner.core.documents import Document, Documents, Encrypted, KeyPath, Problem

ALIKE = 0.85
"""How alike two names are, of 1, when one is meant for the other."""


@dataclass(frozen=True)
class Setting:
    """A variable that hosts get: in which file, at which key, and its value."""

    file: str
    path: KeyPath
    value: object

    @property
    def name(self) -> str:
        """The variable's name."""
        return str(self.path[-1])

    @property
    def final(self) -> bool:
        """Whether its value is known here: not one that Ansible still fills in, or decrypts."""
        return _final(self.value)


def settings(documents: Documents) -> Iterator[Setting]:
    """All variables in group_vars, host_vars and hosts.yml."""
    for groups in (documents.group_vars, documents.host_vars):
        for document in (each for several in groups.values() for each in several):
            yield from _of(document, (), document.data)
    yield from _groups(documents.hosts, (), documents.hosts.data)


def stranger(setting: Setting, roles: Collection[str], known: Collection[str]) -> Problem | None:
    """What is wrong with a name that is nearly a role's setting. Others that begin like one are one's own."""
    role = max((each for each in roles if setting.name.startswith(f"{each}_")), key=len, default=None)
    if role is None or setting.name in known:
        return None
    close = difflib.get_close_matches(setting.name, known, n=1, cutoff=ALIKE)
    if not close:
        return None
    hint = f"Did you mean {close[0]!r}?"
    return Problem(setting.file, setting.path, f"the role {role} has no setting {setting.name!r}", hint)


def _of(document: Document, path: KeyPath, variables: object) -> Iterator[Setting]:
    if isinstance(variables, Mapping):
        for name, value in variables.items():
            yield Setting(document.file, (*path, str(name)), value)


def _groups(document: Document, path: KeyPath, groups: object) -> Iterator[Setting]:
    for group, body in groups.items() if isinstance(groups, Mapping) else ():
        if not isinstance(body, Mapping):
            continue
        inside = (*path, str(group))
        yield from _of(document, (*inside, "vars"), body.get("vars"))
        hosts = body.get("hosts")
        for host, variables in hosts.items() if isinstance(hosts, Mapping) else ():
            yield from _of(document, (*inside, "hosts", str(host)), variables)
        yield from _groups(document, (*inside, "children"), body.get("children"))


def _final(value: object) -> bool:
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, Mapping):
        return all(_final(each) for each in value.values())
    if isinstance(value, list):
        return all(_final(each) for each in value)
    return not isinstance(value, Encrypted)
