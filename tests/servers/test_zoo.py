"""Broken zones, each named as what it is, and sound ones, none of which is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
import yaml

from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import Authorities
from provisioner.adapters.templates import ROOT
from provisioner.core.findings import Finding
from provisioner.core.phrases import Phrases
from provisioner.workflows import readiness
from tests.servers.daemon import HERE
from tests.servers.knot import Knot
from tests.zoo.animals import ANIMALS
from tests.zoo.cage import Animal
from tests.zoo.keeper import BARNS, Barn, Zoo, domain_of
from tests.zoo.perches import PERCHES
from tests.zoo.stables import STABLES

Found = dict[str | None, tuple[Finding, ...]]
ENGLISH = re.compile(r"(?<![\w.-])(the|it|has|of|is|to|and|one|more|than|not|its|with|Set|Run|Ask)(?![\w.-])")
LEAST = 80
"""Broken zones that there are at least."""


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return Zoo()


@pytest.fixture(scope="module")
def found(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    records = [(name, kind, value) for (name, kind), values in zoo.dns.items() for value in values]
    server = Knot(tmp_path_factory.mktemp("knot"), records)

    async def look() -> Found:
        dns = Authorities(HERE, Wire(port=server.port, timeout=2.0, remember=True))
        subjects = (None, *(domain_of(animal) for animal in ANIMALS))
        told = {each.domain: each.findings async for each in readiness.verify(zoo.inventory, subjects, dns)}
        for barn in BARNS:
            (report,) = [each async for each in readiness.verify(barn.inventory, (None,), dns)]
            told[barn.zone] = report.findings
        return told

    yield asyncio.run(look())
    server.stop()


@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
def test_a_domain_is_told_of_as_it_is(zoo: Zoo, found: Found, animal: Animal) -> None:
    assert not zoo.amiss(animal, found[domain_of(animal)])


def test_every_egress_address_is_told_of_as_it_is(zoo: Zoo, found: Found) -> None:
    wrong = {each.host: zoo.amiss_at(each, found[None]) for each in zoo.homes}
    assert not {host: faults for host, faults in wrong.items() if faults}


@pytest.mark.parametrize("barn", BARNS, ids=lambda barn: barn.stable.name)
def test_a_fleet_is_told_of_as_it_is(found: Found, barn: Barn) -> None:
    assert not barn.amiss(found[barn.zone])


def test_all_of_it_is_told_in_italian_too(found: Found) -> None:
    phrases = Phrases(yaml.safe_load((ROOT / "readiness/it.yml").read_text()))
    told = {text for some in found.values() for each in some for text in (each.fix, each.seen)}
    english = {said for text in told if ENGLISH.search(said := phrases.say(text))}
    assert not english


def test_the_zoo_is_large() -> None:
    assert sum(bool(each.told) for each in (*ANIMALS, *PERCHES, *STABLES)) >= LEAST
