"""List servers over SSH: `provisioner-dem VERB` on the host, JSON in and out, progress on standard error.

The other end comes with the role `dem`; its text describes the verbs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioner.adapters.ssh import Outcome, Ssh, SshError, on_each
from provisioner.core.errors import CheckFailed, HostsFailed
from provisioner.core.fleet import Host

COMMAND = "/usr/local/sbin/provisioner-dem"
SILENCE = 1800.0
"""Seconds that a verb may go on without a word: a large database is dumped in one go."""

_TRANSFER = "/root/provisioner-dem-transfer"
_TAKE = 'umask 077 && cat > "$0"'


class DemRefused(CheckFailed):
    """The host could not do what it was asked; `facts` is its whole answer. Exit code 1."""

    def __init__(self, host: Host, verb: str, facts: dict[str, Any]) -> None:
        back = " Everything is as it was before." if facts.get("rolled_back") else ""
        super().__init__(f"{host.name}: {verb}: {facts.get('error', 'no reason given')}.{back}")
        self.facts = facts


class DemHost:
    """One list server over one connection, which the caller opens and closes."""

    def __init__(self, ssh: Ssh, told: Callable[[str], None] | None = None) -> None:
        self._ssh = ssh
        self._told = told

    def ask(self, verb: str, *arguments: str, question: object = None) -> Any:
        """What the host answers to a verb. Raises DemRefused, SshError, HostsFailed (no such verb)."""
        stdin = b"" if question is None else json.dumps(question).encode()
        command = ("sudo", COMMAND, verb, *arguments)
        result = self._ssh.run(command, stdin, silence=SILENCE, told=self._told)
        try:
            answer = json.loads(result.stdout) if result.stdout.strip() else {}
        except ValueError:
            answer = None
        if result.ok and answer is not None:
            return answer
        if result.status == 1 and isinstance(answer, dict) and "error" in answer:
            raise DemRefused(self._ssh.host, verb, answer)
        raise HostsFailed(
            f"{self._ssh.host.name}: {verb}: {result.complaint}",
            hint=f"'provisioner dem create' again, or playbooks/dem.yml, brings {COMMAND} to the host",
        )

    def fetch(self, remote: str, to: Path, passed: Callable[[int], None]) -> str:
        """Copy a file of the host's here; its SHA-256. passed: told how many bytes have come."""
        digest, count = hashlib.sha256(), 0
        with to.open("xb") as file:
            to.chmod(0o600)

            def sink(piece: bytes) -> None:
                nonlocal count
                file.write(piece)
                digest.update(piece)
                count += len(piece)
                passed(count)

            result = self._ssh.run(("sudo", "cat", remote), silence=SILENCE, sink=sink)
        if not result.ok:
            raise SshError(self._ssh.host, result.complaint)
        return digest.hexdigest()

    @contextmanager
    def transfer(self, ending: str = ".tar") -> Iterator[str]:
        """The name of a file on the host that root alone may read, gone when the context ends."""
        remote = f"{_TRANSFER}{ending}"
        self._ssh.run(("sudo", "rm", "-f", remote))
        try:
            yield remote
        finally:
            self._ssh.run(("sudo", "rm", "-f", remote))

    def put(self, file: Path, remote: str) -> None:
        """Copy a file to the host, readable by root alone."""
        with file.open("rb") as source:
            result = self._ssh.run(("sudo", "sh", "-c", _TAKE, remote), source, silence=SILENCE)
        if not result.ok:
            raise SshError(self._ssh.host, result.complaint)


@contextmanager
def talking(host: Host, told: Callable[[str], None] | None = None) -> Iterator[DemHost]:
    """A list server to be asked. told: hears its lines of progress. Raises SshError."""
    with Ssh(host) as ssh:
        yield DemHost(ssh, told)


def statuses(hosts: Sequence[Host]) -> list[Outcome[dict[str, Any]]]:
    """What each host says of itself, all at once; `error` where one does not answer."""

    def look(ssh: Ssh) -> dict[str, Any]:
        try:
            found: dict[str, Any] = DemHost(ssh).ask("status")
        except SshError:
            raise
        except (CheckFailed, HostsFailed) as error:
            raise SshError(ssh.host, error.message.removeprefix(f"{ssh.host.name}: ")) from error
        return found

    return on_each(hosts, look)
