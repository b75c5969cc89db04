"""CNAMEs into a zone that is delegated, and in circles: real BIND, Knot and Unbound."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import Authorities, OneServer
from provisioner.core.answers import Answer, Dns, Outcome
from provisioner.core.checks import unknown
from provisioner.core.findings import Status
from tests.dns_server import free_port
from tests.servers.daemon import HERE, Daemon
from tests.servers.nameservers import ZONE, NameServer
from tests.servers.unbound import Unbound

ADDRESSES, RESOLVER = {"bind": HERE, "knot": "127.0.0.2"}, "127.0.0.3"
"""BIND takes only an address that a network interface has."""
PARENT = "operator.example"
TARGET = f"s1.{PARENT}.{ZONE}"
KEY = "v=DKIM1; k=ed25519; p=AAAA"
IN_PARENT = f"""\
dkim NS ns.dkim
ns.dkim A {{below}}
s1._domainkey CNAME {TARGET}.
s2._domainkey CNAME nothing.dkim
s3._domainkey CNAME via
via CNAME {TARGET}.
itself CNAME itself
a CNAME b
b CNAME c
c CNAME b
there CNAME back.dkim
"""
IN_CHILD = f'{TARGET}. TXT "{KEY}"\nback CNAME there.{PARENT}.\n'


class World:
    """A zone, the one below it that others serve, and a resolver that knows both."""

    def __init__(self, root: Path, kinds: tuple[str, str]) -> None:
        self.port = free_port()
        self.servers: list[Daemon] = []
        above, below = (ADDRESSES[kind] for kind in kinds)
        self.both = f"ns.{PARENT} ({above}), ns.{ZONE} ({below})"
        for kind, zone, included in zip(
            kinds, (PARENT, ZONE), (IN_PARENT.format(below=below), IN_CHILD), strict=True
        ):
            folder = root / zone
            folder.mkdir()
            server = NameServer(kind, folder, ADDRESSES[kind], self.port, included=included, zone=zone)
            self.servers.append(server)
        folder = root / "resolver"
        folder.mkdir()
        stubs = {PARENT: above, ZONE: below}
        self.servers.append(Unbound(folder, (), address=RESOLVER, port=self.port, stubs=stubs))

    def ask(self, name: str, *whole: str) -> Answer:
        (found,) = self._asked(Authorities(RESOLVER, self._wire(), whole), name)
        return found

    def ask_resolver(self, name: str) -> Answer:
        (found,) = self._asked(OneServer(RESOLVER, self._wire()), name)
        return found

    def _wire(self) -> Wire:
        return Wire(port=self.port, timeout=2.0)

    def _asked(self, dns: Dns, name: str) -> tuple[Answer, ...]:
        async def ask() -> tuple[Answer, ...]:
            return await dns.ask_all(f"{name}.{PARENT}", "TXT")

        return asyncio.run(ask())


@pytest.fixture(scope="module", params=[("bind", "knot"), ("knot", "bind")], ids="-above-".join)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"), request.param)
    yield made
    for server in made.servers:
        server.stop()


@pytest.mark.parametrize("whole", [(), (PARENT,), (PARENT, ZONE)], ids=len)
@pytest.mark.parametrize(
    ("name", "way"), [("s1._domainkey", (TARGET,)), ("s3._domainkey", (f"via.{PARENT}", TARGET))]
)
def test_an_alias_into_a_zone_below_is_asked_of_those_who_serve_it(
    world: World, name: str, way: tuple[str, ...], whole: tuple[str, ...]
) -> None:
    found = world.ask(name, *whole)
    assert (found.outcome, found.values, found.chain) == (Outcome.FOUND, (KEY,), way)
    assert found.server == world.both


def test_what_is_not_there_either_is_certain_to_be_missing(world: World) -> None:
    found = world.ask("s2._domainkey", PARENT, ZONE)
    assert (found.outcome, found.server) == (Outcome.NO_SUCH_NAME, world.both)


CIRCLES = (
    ("itself", ("itself", "itself")),
    ("b", ("b", "c", "b")),
    ("a", ("a", "b", "c", "b")),
    ("there", ("there", "back.dkim", "there")),
)


@pytest.mark.parametrize("whole", [(), (PARENT, ZONE)], ids=len)
@pytest.mark.parametrize(("name", "way"), CIRCLES)
def test_a_circle_is_told_as_one(
    world: World, name: str, way: tuple[str, ...], whole: tuple[str, ...]
) -> None:
    told = " → ".join(f"{each}.{PARENT}" for each in way)
    for answer in (world.ask(name, *whole), world.ask_resolver(name)):
        found = unknown("dkim", name, answer)
        assert (found.status, found.seen) == (Status.UNKNOWN, f"its CNAMEs go in a circle: {told}")
        assert "Correct these CNAMEs" in found.fix
