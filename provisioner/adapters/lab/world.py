"""The lab's receiving world, over SSH: what arrived there, and how it shall treat whom.

The other end are `world-mail` and `world-behaviour` of the role `lab_world`; their texts describe the verbs.
"""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.adapters.ssh import Ssh
from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.fleet import Host, Inventory
from provisioner.core.world import Behaviour, ReceivedMessage

_FOLDER = "/usr/local/sbin"


def host_of(inventory: Inventory) -> Host:
    """The host that is the world. Raises UsageError when the inventory has none."""
    world = inventory.group("world")
    if not world:
        raise UsageError(
            "This inventory has no host in the group 'world'", hint="Only a lab has a world that can be asked"
        )
    return world[0]


class World:
    """The world over one connection, which the caller opens and closes."""

    def __init__(self, ssh: Ssh) -> None:
        self._ssh = ssh

    def received(self, whose: str = "", *, headers: bool = False) -> tuple[ReceivedMessage, ...]:
        """What has arrived for an address or a domain, or for everyone; oldest first."""
        options = [*([whose] if whose else []), *(["--headers"] if headers else [])]
        lines = self._run("world-mail", "list", *options).splitlines()
        return tuple(ReceivedMessage.model_validate_json(line) for line in lines)

    def message(self, received: ReceivedMessage) -> bytes:
        """A message as it was stored."""
        return self._run("world-mail", "show", received.path)

    def clear(self, domain: str = "") -> None:
        """Delete what has arrived, for a domain or for everyone."""
        self._run("world-mail", "clear", *([domain] if domain else []))

    def behave(self, whose: str, behaviour: Behaviour, seconds: int | None = None) -> None:
        """Treat an address or a domain like this from now on; `seconds` is how slow `slow` is."""
        suffix = f":{seconds}" if seconds is not None and behaviour is Behaviour.SLOW else ""
        self._run("world-behaviour", "set", whose, f"{behaviour.value}{suffix}")

    def behave_normally(self, *whose: str) -> None:
        """Forget behaviours: those of the given addresses and domains, or all."""
        self._run("world-behaviour", "clear", *whose)

    def _run(self, script: str, *arguments: str) -> bytes:
        command: Sequence[str] = ("sudo", f"{_FOLDER}/{script}", *arguments)
        result = self._ssh.run(command)
        if not result.ok:
            raise HostsFailed(f"{self._ssh.host.name}: {script} {arguments[0]}: {result.complaint}")
        return result.stdout
