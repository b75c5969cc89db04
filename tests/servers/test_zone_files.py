"""Keys whose records come by a zone file: real BIND and Knot serve what was exported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters import dkim_keys
from provisioner.adapters.blocking import Blocking
from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import Authorities
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core import zone_files
from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import Wait, slots_of
from provisioner.workflows import customer
from provisioner.workflows.dns import dkim_zone
from provisioner.workflows.rotation import Request, Tools, run
from tests import samples
from tests.dns_server import free_port
from tests.fakes import FakePush
from tests.servers.daemon import HERE
from tests.servers.nameservers import KINDS, ZONE, NameServer
from tests.servers.test_doubt import DOMAIN, right

CNAMES = "".join(f"{name}._domainkey CNAME {name}.{DOMAIN}.{ZONE}.\n" for name in ("s1", "e1"))


class Scene:
    """A primary that takes a zone file, and a customer's keys without anybody who sends updates."""

    def __init__(self, kind: str, root: Path) -> None:
        self.store = TenantFiles(samples.write(root / "inventory"))
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.kind, self.folder, self.port = kind, root / kind, free_port()
        self.folder.mkdir()
        self.hosts = FakePush()
        self.server = self._served()

    def _served(self) -> NameServer:
        written = zone_files.bind(dkim_zone(self.store.load()), ZONE, 5)
        return NameServer(self.kind, self.folder, HERE, self.port, DOMAIN, CNAMES, written)

    def deploy(self) -> None:
        """Export the zone, and have it served."""
        self.server.stop()
        self.server = self._served()

    def go_on(self, days: int = 1) -> tuple[Wait, ...]:
        """Two runs, and days pass before each."""
        names = Blocking(Authorities(HERE, Wire(port=self.port, timeout=2.0)))
        tools = Tools(
            dkim_keys.generate, self.hosts, self.hosts.signers, names, None, right, lambda: self.now
        )
        for _ in range(2):
            self.now += timedelta(days=days)
            waits = run(self.store, Request([DOMAIN]), tools).waits[DOMAIN]
        return waits

    def states(self) -> list[KeyState]:
        return [slot.state for slot in slots_of(self.store.load().keys_of(DOMAIN))]


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(request.param, tmp_path)
    yield made
    made.server.stop()


def test_keys_wait_for_whoever_brings_the_file_and_go_on_once_it_is_served(scene: Scene) -> None:
    (wait,) = scene.go_on()
    assert scene.states() == [KeyState.VERIFIED]
    assert "bring 'provisioner dns export' to the name servers" in wait.reason
    scene.deploy()
    scene.go_on()
    assert scene.states() == [KeyState.ACTIVE]


def test_revoked_keys_are_destroyed_once_the_file_without_them_is_served(scene: Scene) -> None:
    scene.go_on()
    scene.deploy()
    scene.go_on()
    customer.remove(scene.store, "acme", scene.hosts)
    scene.go_on(days=15)
    scene.go_on(days=15)
    assert scene.states() == [KeyState.REVOKED]
    scene.deploy()
    scene.go_on()
    assert scene.states() == []
