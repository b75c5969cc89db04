"""The readiness gate on the lab's DNS: a fleet and a customer that are right, and the zoo."""

from __future__ import annotations

import asyncio

import pytest

from provisioner.cli import wiring
from provisioner.core.findings import Finding
from provisioner.workflows import readiness
from tests.fleet.fleet import Account, Fleet
from tests.fleet.primary import fill
from tests.zoo.animals import ANIMALS
from tests.zoo.keeper import BARNS, ELSEWHERE, REVERSE, ZONE, Zoo, domain_of


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return Zoo()


@pytest.fixture(scope="module")
def found(fleet: Fleet, zoo: Zoo) -> dict[str | None, tuple[Finding, ...]]:
    fill(fleet, zoo.dns, (ZONE, ELSEWHERE, *REVERSE))

    async def look() -> dict[str | None, tuple[Finding, ...]]:
        names = wiring.asker(fleet.inventory)
        subjects = (None, *(domain_of(animal) for animal in ANIMALS))
        told = {each.domain: each.findings async for each in readiness.verify(zoo.inventory, subjects, names)}
        for barn in BARNS:
            (report,) = [each async for each in readiness.verify(barn.inventory, (None,), names)]
            told[barn.zone] = report.findings
        return told

    return asyncio.run(look())


def test_every_domain_is_told_of_as_it_is(zoo: Zoo, found: dict[str | None, tuple[Finding, ...]]) -> None:
    wrong = {animal.name: zoo.amiss(animal, found[domain_of(animal)]) for animal in ANIMALS}
    assert not {name: faults for name, faults in wrong.items() if faults}


def test_every_egress_address_is_told_of_as_it_is(
    zoo: Zoo, found: dict[str | None, tuple[Finding, ...]]
) -> None:
    wrong = {each.host: zoo.amiss_at(each, found[None]) for each in zoo.homes}
    assert not {host: faults for host, faults in wrong.items() if faults}


def test_every_fleet_is_told_of_as_it_is(found: dict[str | None, tuple[Finding, ...]]) -> None:
    wrong = {barn.stable.name: barn.amiss(found[barn.zone]) for barn in BARNS}
    assert not {name: faults for name, faults in wrong.items() if faults}


def test_what_is_right_passes(fleet: Fleet, sender: Account) -> None:
    fleet.done("dns", "verify", "--fleet", sender.domain)
    fleet.done("customer", "activate", sender.customer)


def test_the_fleets_own_resolver_says_the_same(fleet: Fleet, sender: Account) -> None:
    resolver = str(fleet.inventory.settings.dns_resolver)
    fleet.done("dns", "verify", sender.domain, "--resolver", resolver)
    lost = fleet.cli("dns", "verify", sender.domain, "--resolver", "10.77.0.250")
    assert lost.returncode == 2
