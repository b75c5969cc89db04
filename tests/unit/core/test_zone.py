"""Zones, their servers, and how long their records stay in caches."""

from __future__ import annotations

import asyncio

from provisioner.core.answers import Answer, Outcome
from provisioner.core.checks import check_ttl, check_zone
from provisioner.core.findings import Finding, Status
from tests.fakes import FakeResolver

SOA = "ns1.acme.example root.acme.example {} 60 60 600 5"


class Inside(FakeResolver):
    """DNS that tells of a name without records whose zone it is in."""

    def lookup(self, name: str, kind: str) -> Answer:
        answer = super().lookup(name, kind)
        if answer.outcome is Outcome.NO_DATA:
            return Answer(name, kind, Outcome.NO_DATA, server=answer.server, zone="acme.example")
        return answer


def world() -> Inside:
    dns = Inside()
    dns.set("acme.example", "SOA", SOA.format(1))
    dns.set("news.acme.example", "MX", "10 mail.acme.example")
    return dns


def zone(dns: FakeResolver, name: str) -> list[Finding]:
    return asyncio.run(check_zone(name, dns))


def test_the_zone_above_a_name_is_looked_at() -> None:
    (found,) = zone(world(), "news.acme.example")
    assert (found.subject, found.status) == ("acme.example", Status.PASS)


def test_servers_of_a_zone_above_that_disagree_are_named() -> None:
    dns = world()
    dns.second["acme.example", "SOA"] = (SOA.format(7),)
    (found,) = zone(dns, "news.acme.example")
    assert (found.subject, found.status) == ("acme.example", Status.WARN)
    assert found.seen == "serial 1 at ns1.test; serial 7 at ns2.test"


def test_a_server_that_does_not_have_the_zone_is_of_another_mind() -> None:
    dns = world()
    dns.second["acme.example", "SOA"] = Outcome.NO_SUCH_NAME
    (found,) = zone(dns, "acme.example")
    assert (found.status, found.seen) == (Status.WARN, "serial 1 at ns1.test; no such name at ns2.test")


def test_a_domain_that_is_not_there() -> None:
    (found,) = zone(world(), "elsewhere.example")
    assert (found.status, found.seen) == (Status.FAIL, "the domain is not in DNS")


def test_what_lives_long_in_caches_is_told_once_with_its_longest() -> None:
    def answer(kind: str, ttl: int, server: str = "ns1") -> Answer:
        return Answer("acme.example", kind, Outcome.FOUND, ("x",), server=server, ttl=ttl)

    assert not check_ttl([answer("TXT", 172_800), answer("MX", 3600)])
    (found,) = check_ttl([answer("TXT", 3600), answer("TXT", 604_800, "ns2"), answer("TXT", 200_000)])
    assert (found.subject, found.status, found.server) == ("acme.example TXT", Status.WARN, "ns2")
    assert found.seen == "604800 s: a correction takes 7.0 days to be seen"
