"""The readiness gate on the lab's DNS: a fleet and a customer that are right, and the zoo."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable

import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest

from provisioner.adapters.secret_files import SecretFiles
from provisioner.cli import wiring
from provisioner.core.findings import Finding
from provisioner.core.names import is_within
from provisioner.workflows import readiness
from tests.fleet.fleet import LAB, Account, Fleet
from tests.zoo.animals import ANIMALS
from tests.zoo.keeper import ELSEWHERE, REVERSE, ZONE, Dns, Zoo, domain_of

AT_ONCE = 100
"""Record sets in one update."""


def fill(fleet: Fleet, wanted: Dns) -> None:
    """Have the lab's primary serve these records, and of these names no others."""
    settings = fleet.inventory.settings
    secret = base64.b64decode(str(SecretFiles(LAB).variables()[wiring.TSIG_SECRET]))
    key = dns.tsig.Key(dns.name.from_text(settings.dns_tsig_name), secret, settings.dns_tsig_algorithm)
    for zone in (ZONE, ELSEWHERE, *REVERSE):
        for some in batches(owner for owner in wanted if is_within(owner[0], zone)):
            update = dns.update.UpdateMessage(zone, keyring=key)
            for name, kind in some:
                update.delete(f"{name}.", kind)
                update.add(f"{name}.", 30, kind, *wanted[name, kind])
            answer = dns.query.tcp(update, str(settings.dns_primary), timeout=20)
            assert answer.rcode() == dns.rcode.NOERROR, (zone, answer)


def batches(owners: Iterable[tuple[str, str]]) -> Iterable[list[tuple[str, str]]]:
    every = list(owners)
    return (every[at : at + AT_ONCE] for at in range(0, len(every), AT_ONCE))


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return Zoo()


@pytest.fixture(scope="module")
def found(fleet: Fleet, zoo: Zoo) -> dict[str | None, tuple[Finding, ...]]:
    fill(fleet, zoo.dns)

    async def look() -> dict[str | None, tuple[Finding, ...]]:
        names = wiring.asker(fleet.inventory)
        subjects = (None, *(domain_of(animal) for animal in ANIMALS))
        return {each.domain: each.findings async for each in readiness.verify(zoo.inventory, subjects, names)}

    return asyncio.run(look())


def test_every_domain_is_told_of_as_it_is(zoo: Zoo, found: dict[str | None, tuple[Finding, ...]]) -> None:
    wrong = {animal.name: zoo.amiss(animal, found[domain_of(animal)]) for animal in ANIMALS}
    assert not {name: faults for name, faults in wrong.items() if faults}


def test_every_egress_address_is_told_of_as_it_is(
    zoo: Zoo, found: dict[str | None, tuple[Finding, ...]]
) -> None:
    wrong = {each.host: zoo.amiss_at(each, found[None]) for each in zoo.homes}
    assert not {host: faults for host, faults in wrong.items() if faults}


def test_what_is_right_passes(fleet: Fleet, sender: Account) -> None:
    fleet.done("dns", "verify", "--fleet", sender.domain)
    fleet.done("customer", "activate", sender.customer)


def test_the_fleets_own_resolver_says_the_same(fleet: Fleet, sender: Account) -> None:
    resolver = str(fleet.inventory.settings.dns_resolver)
    fleet.done("dns", "verify", sender.domain, "--resolver", resolver)
    lost = fleet.cli("dns", "verify", sender.domain, "--resolver", "10.77.0.250")
    assert lost.returncode == 2
