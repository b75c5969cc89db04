"""The way to a host as ssh(1) goes it: through a command between us and it, with a key of an agent."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import paramiko

from provisioner.core.fleet import Host


class Proxy:
    """A running command whose input and output are the connection to a host.

    paramiko has one of its own, which notices neither that the command ended nor why.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Start the command. Raises OSError."""
        self.socket, theirs = socket.socketpair()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the proxy
        try:
            with theirs:
                end = theirs.fileno()
                self._process = subprocess.Popen(command, stdin=end, stdout=end, stderr=self._said)
        except OSError:
            self.socket.close()
            self._said.close()
            raise

    def close(self) -> str:
        """End the command; the last line of what it said, mostly why there is no connection."""
        self.socket.close()
        self._process.kill()
        self._process.wait()
        with self._said:
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def proxy_command(host: Host) -> list[str]:
    """The command line of a host's proxy; empty when the way is straight."""
    connection = host.connection
    if connection.proxy_command:
        return ["/bin/sh", "-c", f"exec {_filled_in(connection.proxy_command, host)}"]
    if not connection.proxy_jump:
        return []
    *before, last = _filled_in(connection.proxy_jump, host).split(",")
    # As ssh itself does it. Of several hosts at once none may ask something on the terminal.
    command = ["ssh", "-o", "BatchMode=yes", *(["-J", ",".join(before)] if before else [])]
    command += ["-W", f"[{host.address}]:{connection.port}"]
    return [*command, last if last.startswith("ssh://") else f"ssh://{last}"]


def _filled_in(text: str, host: Host) -> str:
    """With ssh_config(5)'s tokens for a proxy filled in."""
    values = {
        "%h": str(host.address),
        "%n": str(host.address),
        "%p": str(host.connection.port),
        "%r": host.connection.user or getpass.getuser(),
        "%%": "%",
    }
    return re.sub("%[hnpr%]", lambda token: values[token[0]], text)


def file_of(given: str | None) -> str | None:
    """A file that the inventory names, as ssh finds it."""
    return os.path.expanduser(given) if given else None  # noqa: PTH111 - pathlib fails where no such user is


@contextmanager
def held_key(file: str | None) -> Iterator[paramiko.PKey | None]:
    """The key of a file as an agent holds it, which then asks for no passphrase; None when none holds it."""
    if file is None:
        yield None
        return
    with closing(paramiko.Agent()) as agent:
        keys = agent.get_keys()
        fingerprint = _fingerprint(file) if keys else ""
        yield next((key for key in keys if key.fingerprint == fingerprint), None)


def _fingerprint(file: str) -> str:
    """A key's, which is told without its passphrase; empty where it is not."""
    command = ["ssh-keygen", "-l", "-E", "sha256", "-f", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return next(iter(done.stdout.split()[1:]), "")
