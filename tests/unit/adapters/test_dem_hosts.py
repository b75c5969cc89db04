"""The tool of list servers, over a connection in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO

import pytest

from provisioner.adapters.dem_hosts import DemHost, DemRefused
from provisioner.adapters.ssh import Result, SshError
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host


class Connection:
    """Answers commands, and keeps files."""

    host = Host("dem1", ip_address("192.0.2.71"), frozenset({"dem"}))

    def __init__(self, *answers: Result) -> None:
        self.answers = list(answers)
        self.commands: list[Sequence[str]] = []
        self.given: list[bytes] = []

    def run(
        self,
        command: Sequence[str],
        stdin: bytes | BinaryIO = b"",
        *,
        silence: float = 0,
        told: Callable[[str], None] | None = None,
        sink: Callable[[bytes], object] | None = None,
    ) -> Result:
        self.commands.append(command)
        self.given.append(stdin if isinstance(stdin, bytes) else stdin.read())
        answer = self.answers.pop(0) if self.answers else Result(0, b"", b"")
        if sink is not None:
            for start in range(0, len(answer.stdout), 7):
                sink(answer.stdout[start : start + 7])
        return answer


def talk(*answers: Result) -> tuple[DemHost, Connection]:
    connection = Connection(*answers)
    return DemHost(connection), connection  # type: ignore[arg-type]


def test_a_verb_is_asked_and_answered() -> None:
    host, connection = talk(Result(0, b'{"added": 2}', b"progress\n"))
    assert host.ask("subscribe", question={"list": "news"}) == {"added": 2}
    assert connection.commands == [("sudo", "/usr/local/sbin/provisioner-dem", "subscribe")]
    assert json.loads(connection.given[0]) == {"list": "news"}


def test_a_host_that_refuses_says_why() -> None:
    said = {"error": "the migration broke", "rolled_back": True}
    host, _ = talk(Result(1, json.dumps(said).encode(), b""))
    with pytest.raises(
        DemRefused, match=r"dem1: upgrade: the migration broke. Everything is as it was"
    ) as told:
        host.ask("upgrade")
    assert told.value.exit_code == 1
    assert told.value.facts == said


@pytest.mark.parametrize(
    "answer",
    [Result(127, b"", b"sudo: command not found"), Result(0, b"<html>", b""), Result(1, b"[]", b"x")],
)
def test_a_host_that_does_not_know_the_verb(answer: Result) -> None:
    host, _ = talk(answer)
    with pytest.raises(HostsFailed) as told:
        host.ask("status")
    assert told.value.exit_code == 3


def test_a_file_is_fetched_for_its_owner_alone(tmp_path: Path) -> None:
    content = b"backup" * 100
    host, _ = talk(Result(0, content, b""))
    counts: list[int] = []
    assert host.fetch("/root/x", tmp_path / "x", counts.append) == hashlib.sha256(content).hexdigest()
    assert (tmp_path / "x").read_bytes() == content
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
    assert counts[-1] == len(content)
    host, _ = talk(Result(1, b"", b"cat: no such file"))
    with pytest.raises(SshError, match="no such file"):
        host.fetch("/root/x", tmp_path / "y", counts.append)


def test_a_file_is_put_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"archive")
    host, connection = talk()
    with host.transfer(".tar.gz") as remote:
        host.put(tmp_path / "x", remote)
    assert remote == "/root/provisioner-dem-transfer.tar.gz"
    assert connection.given[1] == b"archive"
    assert connection.commands[1][:4] == ("sudo", "sh", "-c", 'umask 077 && cat > "$0"')
    assert connection.commands[0] == connection.commands[2] == ("sudo", "rm", "-f", remote)
