"""The embedded platform: machines as system containers on this one.

`EmbeddedLab` is what the other layers use; the modules beside it each do one thing: `substrate` (how podman
is called here), `image`, `network`, `mirror`, `hosts`, `identity`, `definition` (what the inventory asks
for), `world` (the receiving world, once it is deployed), `sharing` (labs beside each other).
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from provisioner.adapters.lab import definition, hosts, image, mirror, network, sharing
from provisioner.adapters.lab.commands import LabError
from provisioner.adapters.lab.hosts import HostState
from provisioner.adapters.lab.identity import Identity
from provisioner.adapters.lab.layout import Lab, LabHost
from provisioner.adapters.lab.substrate import Substrate
from provisioner.core.errors import UsageError

__all__ = ["EmbeddedLab", "HostState", "Lab", "LabError", "LabHost"]

Say = Callable[[str], None]
"""Told what is being done, a sentence at a time."""


class EmbeddedLab:
    """The machines of one lab inventory. Every verb may be stopped at any point and run again."""

    def __init__(self, inventory: Path, limit: frozenset[str] = frozenset()) -> None:
        """The lab that `inventory` describes, or the part of it in `limit`. Raises: UsageError."""
        self.inventory = inventory
        self.lab = definition.read(inventory, limit)
        self.substrate = Substrate.detect()
        self.identity = Identity(inventory / ".lab")

    def up(self, say: Say) -> None:
        """Bring every machine to where SSH answers. Raises: LabError."""
        with self._alone():
            say(f"This machine: {self.substrate.description}")
            self.substrate.prepare()
            if image.build_base(self.substrate):
                say("Base image built with mmdebstrap")
            if image.build_mirror(self.substrate):
                say("Package mirror's image built")
            self.identity.write_known_hosts(definition.read(self.inventory).hosts)
            network.create(self.lab, self.inventory, self.substrate)
            waiting = [found for found in self.states() if found.state != "running"]
            made_of = image.machine(self.substrate) if waiting else ""
            for found in waiting:
                hosts.start(self.lab, found.host, found.state, self.identity, self.substrate, made_of)
            network.open_gateway(self.lab, self.substrate)
            if obstacle := network.obstacle(self.lab, self.substrate):
                say(obstacle)
            mirror.start(self.lab, self.substrate)
            hosts.wait_for_ssh(self.lab)
            say(f"{len(self.lab.hosts)} machines answer SSH ({len(waiting)} started now)")

    def down(self, say: Say) -> None:
        """Remove every trace of the lab but the downloads in the cache. Raises: LabError."""
        with self._alone() as is_the_only:
            self.substrate.prepare()
            gone = hosts.remove_all(self.lab, self.substrate)
            network.remove(self.lab, self.substrate)
            hosts.forget_connections(self.inventory, self.lab.hosts)
            if is_the_only() and not self.substrate.podman("ps", "--all", "--quiet").stdout.strip():
                self.substrate.dismantle()
            say(f"{gone} containers, their network and its packet filter removed")

    def states(self) -> list[HostState]:
        """Every machine with its state, in the inventory's order."""
        self.substrate.prepare()
        return hosts.states(self.lab, self.substrate)

    def destroy(self, names: list[str]) -> None:
        """Destroy machines with their storage, as a fire would."""
        self.substrate.prepare()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: hosts.remove(self.lab, name, self.substrate), names))
        hosts.forget_connections(self.inventory, [host for host in self.lab.hosts if host.name in names])

    def signal(self, name: str, signal: str) -> None:
        """Send `signal` (as `KILL`) to a machine's init: with KILL, as if its power had failed."""
        self.substrate.prepare()
        self.substrate.podman("kill", f"--signal={signal}", self.lab.container(name))
        if signal == "KILL":  # so that whoever looks next sees it down
            self.substrate.podman("wait", self.lab.container(name))

    def resize(self, name: str, memory: str, cpus: float) -> None:
        """Give a running machine so much memory (`2g`; empty: as it is) and so many processors (0: as it is).

        Raises: UsageError where the lab's containers have no control groups of memory and processors.
        """
        if not self.substrate.unified_cgroups:
            raise UsageError(
                "This machine gives the lab's containers no limits of memory or processors to change",
                hint="A machine whose control groups are all version 2 does",
            )
        self.substrate.prepare()
        options = [f"--memory={memory}", f"--memory-swap={memory}"] if memory else []
        options += [f"--cpus={cpus:g}"] if cpus else []
        self.substrate.podman("update", *options, self.lab.container(name))

    def ssh_command(self, name: str) -> list[str]:
        """The command line that logs in to machine `name`. Raises: UsageError when there is none."""
        host = next(iter(definition.read(self.inventory, frozenset({name})).hosts))
        known = self.identity.folder / "known_hosts"
        key = self.identity.private_key_file
        options = ["-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "LogLevel=ERROR"]
        return ["ssh", *options, f"{hosts.USER}@{host.address}"]

    @contextmanager
    def _alone(self) -> Iterator[Callable[[], bool]]:
        """Hold the lab's lock: two runs at once would make each other's machines. See `sharing.at_work`."""
        with (self.identity.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LabError("Another run is at work on this lab.", hint="Wait for it to end.") from error
            with sharing.at_work() as is_the_only:
                yield is_the_only
