"""What an inventory's arguments for ssh(1) say, as far as our own connections follow them. Pure.

Ansible hands `ansible_ssh_common_args` to ssh. Our connections are made without it, and have to reach the
same hosts by the same way: what they cannot follow is a fault rather than ignored.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from provisioner.core.documents import Documents, Problem
from provisioner.core.role_settings import settings

VARIABLES = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
"""In the order in which ssh gets them; of an option that is given twice, it takes the first."""

_FLAGS = re.compile("-[46AaCkqTvXxYy]+")
_HARMLESS = re.compile(
    "addkeystoagent|addressfamily|batchmode|checkhostip|compression|connectionattempts|connecttimeout"
    "|control(master|path|persist)|forward(agent|x11)|gssapiauthentication|hashknownhosts|identitiesonly"
    "|ipqos|loglevel|numberofpasswordprompts|(kbdinteractive|password|pubkey)authentication"
    "|preferredauthentications|requesttty|serveralive(countmax|interval)|stricthostkeychecking|tcpkeepalive"
    "|updatehostkeys|visualhostkey"
)
"""Options that change neither whom we reach nor how, nor with which key. Hosts unknown we refuse anyway."""

_OPTION = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)", re.DOTALL)
_STRANGE_TOKEN = re.compile(r"%(?![hnpr%])|\{\{")
_HINT = (
    "They know ProxyJump, ProxyCommand (with %h, %n, %p, %r) and UserKnownHostsFile with one file; "
    "user, port and key are ansible_user, ansible_port and ansible_ssh_private_key_file"
)


@dataclass(frozen=True)
class SshArguments:
    """known_hosts: the file. proxy_command, proxy_jump: as in ssh_config(5), with tokens; one of the two.

    not_followed: what is said besides.
    """

    known_hosts: str | None = None
    proxy_command: str | None = None
    proxy_jump: str | None = None
    not_followed: tuple[str, ...] = ()


def filled_in(value: object, inventory: PurePath) -> str:
    """A variable's text, with the one template filled in that we know."""
    return re.sub(r"\{\{\s*inventory_dir\s*\}\}", lambda _: str(inventory), str(value))


def read(text: str) -> SshArguments:
    """What arguments for ssh say."""
    options: dict[str, str] = {}
    strange: list[str] = []
    for word, option in _words(text):
        found = _OPTION.fullmatch(option)
        name, value = (found[1].lower(), found[2].strip()) if found else ("", "")
        if name in ("proxyjump", "proxycommand") and value and not _STRANGE_TOKEN.search(value):
            options.setdefault("proxy", f"{name} {value}")
        elif name == "userknownhostsfile" and _one_file(value):
            options.setdefault("known_hosts", _one_file(value))
        elif not _HARMLESS.fullmatch(name) and not _FLAGS.fullmatch(word):
            strange.append(option or word)
    kind, _, proxy = options.get("proxy", "").partition(" ")
    given = None if proxy.lower() in ("", "none") else proxy
    return SshArguments(
        known_hosts=options.get("known_hosts"),
        proxy_command=given if kind == "proxycommand" else None,
        proxy_jump=given if kind == "proxyjump" else None,
        not_followed=tuple(strange),
    )


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Each argument; with those that give an option, that option as `-o` has it."""
    try:
        words = iter(shlex.split(text))
    except ValueError:  # a quotation that does not end: not for Ansible to read either
        yield text, ""
        return
    for word in words:
        if word.startswith("-o"):
            yield word, word[2:] or next(words, "")
        elif word.startswith("-J"):
            yield word, f"ProxyJump={word[2:] or next(words, '')}"
        else:
            yield word, ""


def _one_file(value: str) -> str:
    """The file that an option names; empty when it names none, several, or one with tokens."""
    try:
        files = shlex.split(value)
    except ValueError:
        return ""
    return files[0] if len(files) == 1 and not re.search(r"[%$]|^none$", value, re.IGNORECASE) else ""


def problems(documents: Documents) -> Iterator[Problem]:
    """What the inventory's arguments say that only Ansible's connections would follow."""
    for setting in settings(documents):
        if setting.name not in VARIABLES or setting.value is None:
            continue
        if isinstance(setting.value, str):
            strange = ", ".join(map(repr, read(filled_in(setting.value, documents.path)).not_followed))
        else:
            strange = "what is no plain text"
        if strange:
            message = f"{setting.name}: the tool's own connections do not follow {strange}"
            yield Problem(setting.file, setting.path, message, _HINT)
