"""Signed zones, sound and broken, at a real server, looked at through a real resolver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.dnskeybase import Flag

from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import Authorities, OneServer
from provisioner.core.answers import Chain, Dnssec
from provisioner.core.checks import check_dnssec
from provisioner.core.findings import Status
from tests.servers.daemon import HERE
from tests.servers.knot import Knot

DAY = 86_400
HEAD = "@ 60 IN SOA ns.example. root.example. 1 60 60 600 60\n@ 60 IN NS ns.example.\n"


@dataclass(frozen=True)
class Case:
    """A zone below `example`. ends: seconds until its signatures end; None: it is not signed."""

    name: str
    state: Chain
    seen: str = ""
    ends: int | None = 30 * DAY
    above: str = "own"
    lacks: tuple[str, ...] = ()

    @property
    def zone(self) -> str:
        return f"{self.name}.example"


CASES = (
    Case("plain", Chain.UNSIGNED, ends=None, above="none"),
    Case("island", Chain.UNSIGNED, above="none"),
    Case("sound", Chain.SIGNED),
    Case("rolling", Chain.SIGNED, above="both"),
    Case("ending", Chain.ENDING, "end in 24 hours", ends=DAY),
    Case("over", Chain.BROKEN, "ended", ends=-DAY),
    Case("othersds", Chain.BROKEN, "none of its keys", above="other"),
    Case("unsigned", Chain.BROKEN, "no DNSKEY", ends=None, above="other"),
    # Knot takes a zone for unsigned whose SOA is not signed.
    Case("nosoa", Chain.BROKEN, "DNSKEY is not", lacks=("SOA",)),
    Case("tampered", Chain.BROKEN, "does not verify", lacks=("tampered",)),
)


def key() -> tuple[ed25519.Ed25519PrivateKey, DNSKEY]:
    private = ed25519.Ed25519PrivateKey.generate()
    return private, dns.dnssec.make_dnskey(private.public_key(), Algorithm.ED25519, Flag.ZONE | Flag.SEP)


def zone_text(case: Case, pair: tuple[ed25519.Ed25519PrivateKey, DNSKEY]) -> str:
    zone = dns.zone.from_text(HEAD, case.zone, relativize=False)
    if case.ends is not None:
        now = int(time.time())
        dns.dnssec.sign_zone(zone, keys=[pair], inception=now - 3 * DAY, expiration=now + case.ends)
    text = zone.to_text(relativize=False)
    assert isinstance(text, str)
    lines = [line for line in text.splitlines() if not any(f"RRSIG {kind} " in line for kind in case.lacks)]
    if "tampered" in case.lacks:
        lines = [line.replace(" 1 60 60 600 60", " 2 60 60 600 60") for line in lines]
    return "\n".join([*lines, ""])


def above(case: Case, own: DNSKEY) -> Iterator[tuple[str, str, str]]:
    yield case.zone, "NS", "ns.example."
    keys = {"own": [own], "other": [key()[1]], "both": [key()[1], own], "none": []}[case.above]
    for each in keys:
        yield (
            case.zone,
            "DS",
            dns.dnssec.make_ds(dns.name.from_text(case.zone), each, DSDigest.SHA256).to_text(),
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    pairs = {case: key() for case in CASES}
    records = [record for case, (_, public) in pairs.items() for record in above(case, public)]
    below = {case.zone: zone_text(case, pair) for case, pair in pairs.items()}
    server = Knot(tmp_path_factory.mktemp("knot"), records, below)
    yield server
    server.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_zone_is_told_of_as_it_is(server: Knot, case: Case) -> None:
    async def look() -> list[Dnssec]:
        wire = Wire(port=server.port, timeout=2.0)
        return [await each.dnssec(case.zone) for each in (Authorities(HERE, wire), OneServer(HERE, wire))]

    for found in asyncio.run(look()):
        assert (found.zone, found.state) == (case.zone, case.state), found
        assert case.seen in found.seen


def test_a_name_inside_a_zone_is_told_of_as_the_zone(server: Knot) -> None:
    async def look() -> Dnssec:
        return await Authorities(HERE, Wire(port=server.port, timeout=2.0)).dnssec("x.y.over.example")

    found = asyncio.run(look())
    assert (found.zone, found.state) == ("over.example", Chain.BROKEN)


def test_what_does_not_verify_fails_with_what_to_do(server: Knot) -> None:
    (found,) = asyncio.run(
        check_dnssec("over.example", Authorities(HERE, Wire(port=server.port, timeout=2.0)))
    )
    assert (found.id, found.status) == ("dnssec", Status.FAIL)
    assert "sign it anew" in found.fix
    assert "ns.example" in found.server
