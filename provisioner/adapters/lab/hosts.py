"""The lab's machines: create, start, wait until SSH answers, remove.

A container gets its SSH identity before it first boots, so its host key is known and nothing is trusted on
first use, and a machine that is destroyed and made again keeps its name in known_hosts.
"""

from __future__ import annotations

import io
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from provisioner.adapters import ssh_sockets
from provisioner.adapters.lab.commands import LabError
from provisioner.adapters.lab.identity import Identity
from provisioner.adapters.lab.image import sources
from provisioner.adapters.lab.layout import MIRROR, MIRROR_NAME, Lab, LabHost, hardware_address
from provisioner.adapters.lab.substrate import Substrate

_CAPABILITIES = ("NET_ADMIN", "NET_RAW", "SYS_ADMIN")
"""nftables and keepalived; systemd's sandboxing of units."""

USER = "deploy"
"""Whom SSH lets in."""

SSH_TIMEOUT = 60.0
"""Seconds a machine may take from start until SSH answers."""


@dataclass(frozen=True)
class HostState:
    """What a machine is: `running`, `exited`, `created`, `dead` (see `container_states`), or `absent`."""

    host: LabHost
    state: str


def states(lab: Lab, substrate: Substrate) -> list[HostState]:
    """The state of every machine of the lab, in the lab's order."""
    found = container_states(lab, substrate)
    return [HostState(host, found.get(lab.container(host.name), "absent")) for host in lab.hosts]


def container_states(lab: Lab, substrate: Substrate) -> dict[str, str]:
    """What podman says of every container of the lab, by name; `dead` for what runs in podman's books alone.

    When everything was killed at once (power, an emptied build machine), nobody was left to tell podman.
    """
    listed = substrate.podman("ps", "--all", "--quiet", f"--filter=label=provisioner.lab={lab.name}")
    ids = listed.stdout.decode().split()
    if not ids:
        return {}
    form = "--format={{.Name}} {{.State.Status}} {{.State.ConmonPid}} {{.Id}}"
    said = substrate.podman("inspect", form, *ids)
    found = {}
    for line in said.stdout.decode().splitlines():
        name, state, monitor, container = line.split()
        dead = state in ("running", "stopping") and not _monitors(monitor, container)
        found[name] = "dead" if dead else state
    return found


def _monitors(pid: str, container: str) -> bool:
    """Whether process `pid` is the conmon of `container`: numbers of processes come again."""
    try:
        return container.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def start(lab: Lab, host: LabHost, state: str, identity: Identity, substrate: Substrate, image: str) -> None:
    """Bring one machine up from whatever `state` it is in; one that has to be made is made of `image`."""
    name = lab.container(host.name)
    if state == "running":
        return
    if state in ("created", "dead"):  # stopped before it had its identity; not to be started again
        remove_containers(substrate, name)
    if state in ("created", "dead", "absent"):
        substrate.podman(
            "create",
            "--systemd=always",
            f"--name={name}",
            f"--hostname={host.name}",
            f"--label=provisioner.lab={lab.name}",
            f"--network={lab.name}",
            f"--ip={host.address}",
            f"--mac-address={hardware_address(host.address)}",
            f"--dns={lab.resolver}",
            "--dns-search=.",
            f"--add-host={MIRROR_NAME}:{lab.gateway}",
            *(f"--cap-add={capability}" for capability in _CAPABILITIES),
            *substrate.machine_options,
            image,
            "/sbin/init",
        )
        substrate.podman("cp", "-", f"{name}:/", stdin=_first_boot(host, identity))
    substrate.podman("start", name)


def wait_for_ssh(lab: Lab) -> None:
    """Return when every machine's SSH greets. Raises: LabError naming those that don't within SSH_TIMEOUT."""
    deadline = time.monotonic() + SSH_TIMEOUT
    waiting = list(lab.hosts)
    while waiting and time.monotonic() < deadline:
        waiting = [host for host in waiting if not _greets(host)]
        if waiting:
            time.sleep(0.2)
    if waiting:
        names = ", ".join(host.name for host in waiting)
        raise LabError(
            f"No SSH within {SSH_TIMEOUT:.0f} s: {names}.",
            hint="'provisioner lab up' tries again; 'provisioner lab down' before it starts from nothing.",
        )


def remove(lab: Lab, name: str, substrate: Substrate) -> None:
    """Destroy one machine together with its storage."""
    remove_containers(substrate, lab.container(name))


def remove_containers(substrate: Substrate, *names: str) -> None:
    """Remove containers, dead ones too: of those, podman's first try fails and its second removes."""
    command = ("rm", "--force", "--ignore", "--time=0", *names)
    if substrate.podman(*command, check=False).returncode != 0:
        substrate.podman(*command)


def remove_all(lab: Lab, substrate: Substrate) -> int:
    """Destroy every container of the lab, the mirror too; says how many there were."""
    listed = substrate.podman("ps", "--all", "--quiet", f"--filter=label=provisioner.lab={lab.name}")
    names = listed.stdout.decode().split()
    if names:
        remove_containers(substrate, *names)
    return len(names)


def forget_connections(inventory: Path, gone: Iterable[LabHost]) -> None:
    """End the SSH connections that Ansible keeps to machines that are gone, whoever called it.

    A new machine has the old one's address and host key, but knows nothing of its connections.
    """
    for host, folder in product(gone, (ssh_sockets.folder(inventory), ssh_sockets.shared())):
        socket_file = folder / f"{host.address}-22-{USER}"
        if socket_file.exists():
            command = ["ssh", "-O", "exit", "-o", f"ControlPath={socket_file}", str(host.address)]
            subprocess.run(command, capture_output=True, check=False, timeout=10)
            socket_file.unlink(missing_ok=True)


def _greets(host: LabHost) -> bool:
    try:
        with socket.create_connection((str(host.address), 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _first_boot(host: LabHost, identity: Identity) -> bytes:
    """A tar with what is this machine's own: SSH keys and the package source."""
    files = {
        "etc/apt/sources.list": (sources(MIRROR).encode(), 0o644),
        "etc/ssh/ssh_host_ed25519_key": (identity.host_key(host.name), 0o600),
        "home/deploy/.ssh/authorized_keys": (identity.public_key, 0o644),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, (content, mode) in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
