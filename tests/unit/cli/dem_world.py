"""List servers in memory: their hosts, deployments and names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioner.adapters import dem_hosts
from provisioner.adapters.ssh import Outcome
from provisioner.cli import dem_create, fleet, wiring
from provisioner.core.fleet import Host
from tests.fakes import FakePublisher
from tests.unit.cli.running import Run

ARCHIVE = b"everything of acme's list server" * 1000


class Hosts:
    """List servers as their own tool shows them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Any] = {
            "status": {
                "software": "sympa", "version": "6.2.74", "site": "news.acme.example", "lists": ["news"],
                "subscribers": 12, "queue": 3, "certificate_days": 90, "paused": False,
            },
            "lists": [{"name": "news", "subscribers": 12}],
            "upgrade": {"from": "6.2.74", "to": "6.2.76", "downtime_seconds": 4.2},
            "restore": {"software": "sympa", "version": "6.2.76", "subscribers": 12},
        }  # fmt: skip
        self.failing: dict[tuple[str, str], Exception] = {}
        self.files: dict[str, bytes] = {}
        self.damaged = False

    @contextmanager
    def talking(self, host: Host, told: Callable[[str], None] | None = None) -> Iterator[_Talk]:
        yield _Talk(self, host)

    def statuses(self, hosts: list[Host]) -> list[Outcome[dict[str, Any]]]:
        return [
            Outcome(host, error=self.failing[host.name, "status"])  # type: ignore[arg-type]
            if (host.name, "status") in self.failing
            else Outcome(host, value=self.answers["status"])
            for host in hosts
        ]


class _Talk:
    def __init__(self, hosts: Hosts, host: Host) -> None:
        self._hosts, self._host = hosts, host

    def ask(self, verb: str, *arguments: str, question: object = None) -> Any:
        self._hosts.asked.append((self._host.name, verb, question))
        failure = self._hosts.failing.get((self._host.name, verb))
        if failure is not None:
            raise failure
        if verb == "backup":
            self._hosts.files[arguments[0]] = ARCHIVE
            return {
                "file": arguments[0],
                "sha256": hashlib.sha256(ARCHIVE).hexdigest(),
                "bytes": len(ARCHIVE),
            }
        if verb == "restore":
            assert self._hosts.files[arguments[0]] == ARCHIVE
        return self._hosts.answers[verb]

    @contextmanager
    def transfer(self, ending: str = ".tar") -> Iterator[str]:
        yield f"/root/transfer{ending}"
        self._hosts.files.clear()

    def put(self, file: Path, remote: str) -> None:
        self._hosts.files[remote] = file.read_bytes()

    def fetch(self, remote: str, to: Path, passed: Callable[[int], None]) -> str:
        content = self._hosts.files[remote][: 100 if self._hosts.damaged else None]
        to.write_bytes(content)
        passed(len(content))
        return hashlib.sha256(content).hexdigest()


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """List servers, of customers that the gate lets pass."""
    found = Hosts()
    monkeypatch.setattr(dem_create, "pass_gate", lambda *_, **__: None)
    monkeypatch.setattr(dem_hosts, "talking", found.talking)
    monkeypatch.setattr(dem_hosts, "statuses", found.statuses)
    return found


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The deployments that were begun: limit and playbook."""
    begun: list[tuple[str, str]] = []
    monkeypatch.setattr(
        fleet, "run", lambda root, options, progress: begun.append((options.limit, options.playbook))
    )
    return begun


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> FakePublisher:
    publisher = FakePublisher()
    monkeypatch.setattr(wiring, "publisher", lambda inventory: publisher)
    return publisher


CREATE = ("dem", "create", "acme", "--site", "news.acme.example", "--address", "192.0.2.71")
FLEET = ("--certificate", "fleet")


@pytest.fixture
def made(run: Run, hosts: Hosts, deployed: list[tuple[str, str]], dns: FakePublisher) -> Run:
    """An inventory in which acme has a list server."""
    told = run(*CREATE, *FLEET)
    assert told.code == 0, told.err
    return run


def second(made: Run) -> None:
    wanted = ("--site", "news.globex.example", "--address", "192.0.2.72", *FLEET)
    assert made("dem", "create", "globex", *wanted).code == 0
