"""Servers that disagree, fail or keep silent hold a rotation: real BIND and Knot, hosts in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters import dkim_keys
from provisioner.adapters.blocking import Blocking
from provisioner.adapters.dns_update import DnsUpdater
from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import Authorities
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.dkim import KeyState
from provisioner.core.fleet import Host
from provisioner.core.key_slots import On, slots_of
from provisioner.core.probes import ProbeAsk, Probed, Verdict
from provisioner.core.records import Record, Zone, dkim_target
from provisioner.workflows.dkim import generate
from provisioner.workflows.rotation import Outcome, Request, Tools, run
from tests import samples
from tests.dns_server import free_port
from tests.fakes import FakePush
from tests.servers.daemon import HERE
from tests.servers.nameservers import SECRET, ZONE, NameServer

DOMAIN = "acme.example"
SECOND = "127.0.0.2"
MORE = "@ NS ns2\nns2 A 127.0.0.2\n" + "".join(
    f"{selector}._domainkey CNAME {selector}.{DOMAIN}.{ZONE}.\n" for selector in ("s1", "e1")
)
"""Of both zones; in the operator's the CNAMEs do no harm."""


class Scene:
    """Two authoritative servers, of which the first takes updates, and a customer's first keys under way."""

    def __init__(self, root: Path) -> None:
        self.store = TenantFiles(samples.write(root / "inventory"))
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.port = free_port()
        self.servers = []
        for kind, address in (("bind", HERE), ("knot", SECOND)):
            folder = root / kind
            folder.mkdir()
            self.servers.append(NameServer(kind, folder, address, self.port, DOMAIN, MORE))
        self.updaters = [self._updater(server.address) for server in self.servers]

    def _updater(self, address: str) -> DnsUpdater:
        facts = {"key_name": "provisioner", "algorithm": "hmac-sha256", "secret": SECRET}
        return DnsUpdater(address, ttl=5, port=self.port, timeout=1.0, **facts)

    def go_on(self) -> Outcome:
        """A run now, and a day passes."""
        hosts = FakePush()
        tools = Tools(
            dkim_keys.generate,
            hosts,
            hosts.signers,
            Blocking(Authorities(HERE, Wire(port=self.port, timeout=0.5))),
            self.updaters[0],
            right,
            lambda: self.now,
        )
        outcome = run(self.store, Request([DOMAIN]), tools)
        self.now += timedelta(days=1)
        return outcome

    def state(self) -> KeyState:
        (slot,) = slots_of(self.store.load().keys_of(DOMAIN))
        return slot.state

    def bring_second_up_to_date(self) -> None:
        inventory = self.store.load()
        names = [(dkim_target(inventory.settings, DOMAIN, k.selector), k) for k in inventory.keys_of(DOMAIN)]
        self.updaters[1].publish(
            [Record(name, "TXT", key.record.render(), Zone.OPERATOR, "dkim") for name, key in names]
        )


def right(asks: Sequence[ProbeAsk], hosts: Sequence[Host]) -> list[Probed]:
    return [Probed(ask.domain, host.name, Verdict.RIGHT) for ask in asks for host in hosts]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    for server in made.servers:
        server.stop()


def test_a_stale_server_holds_the_keys_and_is_named(scene: Scene) -> None:
    for _ in range(3):
        outcome = scene.go_on()
    assert scene.state() is KeyState.VERIFIED
    (wait,) = outcome.waits[DOMAIN]
    assert re.search(rf"no such name \(.*ns2\.{ZONE} \(127\.0\.0\.2\)\)", wait.reason), wait.reason
    assert wait.on is On.DNS
    scene.bring_second_up_to_date()
    scene.go_on()
    assert scene.state() is KeyState.VERIFIED  # a second look is due
    scene.go_on()
    assert scene.state() is KeyState.ACTIVE


def test_a_server_that_is_silent_holds_the_keys(scene: Scene) -> None:
    scene.servers[1].stop()
    for _ in range(3):
        outcome = scene.go_on()
    assert scene.state() is KeyState.VERIFIED
    assert "no answer" in outcome.waits[DOMAIN][0].reason


def test_a_server_that_fails_holds_the_keys(scene: Scene, tmp_path: Path) -> None:
    scene.servers[1].stop()
    folder = tmp_path / "broken"
    folder.mkdir()
    broken = NameServer("knot", folder, SECOND, scene.port, DOMAIN, "this is no record\n")
    scene.servers[1] = broken
    for _ in range(3):
        outcome = scene.go_on()
    assert scene.state() is KeyState.VERIFIED
    assert "server failed" in outcome.waits[DOMAIN][0].reason


def test_an_update_that_is_refused_holds_the_keys(scene: Scene) -> None:
    scene.updaters[0] = DnsUpdater(
        HERE, key_name="stranger", algorithm="hmac-sha256", secret=SECRET, ttl=5, port=scene.port
    )
    refused = scene.go_on()
    assert "no new keys were made: " in refused.faults[0].message
    assert not scene.store.load().keys_of(DOMAIN)
    generate(scene.store, dkim_keys.generate, DOMAIN, scene.now)
    for _ in range(2):
        refused = scene.go_on()
    assert scene.state() is KeyState.PUBLISHED
    assert "stranger" in refused.faults[0].message
    scene.updaters[0] = scene._updater(HERE)
    scene.go_on()
    assert scene.state() is KeyState.VERIFIED
