"""Authoritative servers that do what none should: the check ends in time, and says why it knows nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import Authorities
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.findings import Finding, Status
from provisioner.workflows import readiness
from tests import samples
from tests.dns_server import Answering, Dns, scripted, serving
from tests.servers.daemon import HERE

EVIL = "127.0.0.3"
DOMAIN = "acme.example"
TIMEOUT = 0.3
LONGEST = 5.0
"""Seconds that all checks of a domain may take here: a few questions, each asked twice."""


def late(wire: bytes) -> bytes:
    time.sleep(TIMEOUT * 4)
    return echoed(wire)


def echoed(wire: bytes, flags: int = 0x84) -> bytes:
    """The question, as an answer with nothing in it."""
    return wire[:2] + bytes([flags]) + wire[3:]


WAYS: dict[str, tuple[Answering, str]] = {
    "never": (lambda wire: b"", "no answer"),
    "late": (late, "no answer"),
    "truncated": (lambda wire: echoed(wire, 0x86), "no answer"),
    "wrong id": (lambda wire: bytes([wire[0] ^ 0xFF]) + echoed(wire)[1:], "answer not understood"),
    "noise": (lambda wire: wire[:2] + b"\x84\0" + b"\xff" * 30, "answer not understood"),
    "another question": (lambda wire: echoed(wire).replace(b"acme", b"emca"), "answer not understood"),
    "nobody's": (lambda wire: echoed(wire, 0x80), "not responsible for the zone (lame)"),
    "refuses": (lambda wire: wire[:2] + b"\x84\x05" + wire[4:], "refused"),
}


@pytest.fixture
def world() -> Iterator[Dns]:
    data = Dns()
    data.zone(DOMAIN, f"ns.{DOMAIN}")
    data.add(f"ns.{DOMAIN}", "A", EVIL)
    for parent in ("example", "operator.example"):
        data.zone(parent)
    with serving(data):
        yield data


def look(world: Dns, root: Path) -> tuple[tuple[Finding, ...], float]:
    inventory = TenantFiles(samples.write(root)).load()
    dns = Authorities(HERE, Wire(port=world.port, timeout=TIMEOUT, remember=True))
    begun = time.monotonic()
    return asyncio.run(readiness.domain(inventory, DOMAIN, dns)), time.monotonic() - begun


@pytest.mark.parametrize("way", WAYS)
def test_it_is_known_that_nothing_is_known(world: Dns, tmp_path: Path, way: str) -> None:
    answering, reason = WAYS[way]
    with scripted(EVIL, world.port, answering):
        found, took = look(world, tmp_path)
    of_dns = [each for each in found if each.id in {"spf", "dmarc", "replies", "zone"}]
    assert len(of_dns) == 4
    for each in of_dns:
        lame = each.id == "zone" and way in {"nobody's", "refuses"}
        assert each.status is (Status.FAIL if lame else Status.UNKNOWN), each
        assert reason in each.seen
        assert f"ns.{DOMAIN} ({EVIL})" in each.server
        assert each.fix
    assert took < LONGEST


def test_one_bad_server_of_two_is_named_and_the_other_believed(world: Dns, tmp_path: Path) -> None:
    world.zone(DOMAIN, f"ns.{DOMAIN}", f"ns2.{DOMAIN}")
    world.add(f"ns2.{DOMAIN}", "A", HERE)
    with scripted(EVIL, world.port, WAYS["never"][0]):
        found, _ = look(world, tmp_path)
    unknown = [each for each in found if each.status is Status.UNKNOWN]
    assert [(each.id, each.server) for each in unknown] == [("zone", f"ns.{DOMAIN} ({EVIL})")]
    assert "no SPF record" in {each.seen for each in found}


def test_servers_of_two_minds_are_told_apart(world: Dns, tmp_path: Path) -> None:
    old = replace(world, data=dict(world.data))
    world.zone(DOMAIN, f"ns.{DOMAIN}", f"ns2.{DOMAIN}")
    world.add(f"ns2.{DOMAIN}", "A", HERE)
    world.add(DOMAIN, "TXT", '"v=spf1 include:_spf.operator.example ~all"')
    world.add(DOMAIN, "SOA", f"ns.{DOMAIN}. root.{DOMAIN}. 2 60 60 60 5")
    with scripted(EVIL, world.port, lambda wire: old.answer(wire) or b""):
        found, _ = look(world, tmp_path)
    told = {(each.id, each.status, each.server) for each in found}
    assert ("spf", Status.FAIL, f"ns.{DOMAIN} ({EVIL})") in told
    (zone,) = [each for each in found if each.id == "zone"]
    assert zone.status is Status.WARN
    assert "serial 1" in zone.seen
    assert "serial 2" in zone.seen


def test_a_name_server_that_does_not_exist(world: Dns, tmp_path: Path) -> None:
    world.zone(DOMAIN, "ns.nowhere.example")
    found, _ = look(world, tmp_path)
    zone = next(each for each in found if each.id == "zone")
    assert zone.status is Status.UNKNOWN
    assert "ns.nowhere.example" in zone.server
