from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.answers import Answer, Outcome
from provisioner.core.dkim import Algorithm, KeyState
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Inventory
from provisioner.core.gate import Gate, gate, of_egress
from provisioner.core.profiles import Profile, judge
from provisioner.core.records import Record, Zone, fleet_records, group_by_owner
from provisioner.core.sheet import sheet
from provisioner.workflows import dkim, dns, readiness
from tests import samples
from tests.fakes import FakePublisher, FakeResolver, key_maker
from tests.unit.core.test_dem import OPEN
from tests.unit.core.test_dem import write as write_with_list_server


def fleet(root: Path) -> Inventory:
    store = TenantFiles(samples.write(root))
    made = dkim.generate(store, key_maker, "acme.example", datetime(2025, 1, 2, tzinfo=UTC)).made
    with store.locked():
        store.update_keys([key.model_copy(update={"state": KeyState.ACTIVE}) for key in made])
    return store.load()


def verify(inventory: Inventory, subject: str | None, resolver: FakeResolver) -> tuple[Finding, ...]:
    async def reports() -> list[readiness.Report]:
        return [report async for report in readiness.verify(inventory, [subject], resolver)]

    (report,) = asyncio.run(reports())
    return report.findings


def test_what_is_published_is_what_verifies(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    publisher, resolver = FakePublisher(), FakeResolver()
    dns.publish(inventory, None, publisher)
    dns.publish(inventory, "acme.example", publisher)
    resolver.publish_all(publisher.records)
    resolver.set("acme.example", "MX", "10 mail.acme.example")
    resolver.set("mail.acme.example", "A", "192.0.2.99")
    for subject in (None, "acme.example"):
        found = verify(inventory, subject, resolver)
        assert {finding.status for finding in found} == {Status.PASS}, subject


def looked_at(inventory: Inventory) -> list[Record]:
    """The fleet's records but for ways back of addresses that neither send nor are the public one."""
    addresses = (*inventory.egress_addresses, inventory.settings.virtual_address)
    public = {address.reverse_pointer for address in addresses}
    return [each for each in fleet_records(inventory) if each.type != "PTR" or each.name in public]


def test_a_host_that_sends_nothing_needs_no_way_back(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    resolver = FakeResolver()
    resolver.publish_all((*looked_at(inventory), *dns.dkim_zone(inventory)))
    assert len(looked_at(inventory)) < len(fleet_records(inventory))
    assert {each.status for each in verify(inventory, None, resolver)} == {Status.PASS}


def test_every_record_of_the_fleets_own_is_missed(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    for name, kind in group_by_owner(tuple(looked_at(inventory))):
        resolver = FakeResolver()
        resolver.publish_all((*fleet_records(inventory), *dns.dkim_zone(inventory)))
        assert {each.status for each in verify(inventory, None, resolver)} == {Status.PASS}
        del resolver.data[name, kind]
        failed = [each for each in verify(inventory, None, resolver) if each.status is Status.FAIL]
        address = [a for a in inventory.egress_addresses if a.reverse_pointer == name]
        assert any(each.subject.split()[0] in {name, *map(str, address)} for each in failed), (name, kind)


def test_a_list_servers_name_has_to_lead_to_it(tmp_path: Path) -> None:
    inventory = TenantFiles(write_with_list_server(tmp_path)).load()
    resolver = FakeResolver()
    resolver.publish_all(dns.expected(inventory, "acme.example"))

    def seen() -> Status:
        found = verify(inventory, "acme.example", resolver)
        (site,) = [each for each in judge(found, Profile.GOOGLE) if each.id == "dem-site"]
        return site.status

    assert seen() is Status.PASS
    del resolver.data["news.acme.example", "A"]
    assert seen() is Status.FAIL


def test_an_empty_dns_fails_everything(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    for subject in (None, "acme.example"):
        found = verify(inventory, subject, FakeResolver())
        # That a zone is not signed is no fault.
        failed = [finding for finding in found if finding.id != "dnssec"]
        assert {finding.status for finding in failed} == {Status.FAIL}
        assert all(finding.fix for finding in failed)


def test_what_is_wrong_stands_beside_what_was_expected(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    for subject in (None, "acme.example"):
        for resolver in (FakeResolver(), FakeResolver(otherwise=Outcome.TIMEOUT)):
            found = verify(inventory, subject, resolver)
            assert {each.id for each in found if not each.expected} <= {"zone", "dnssec"}
    (wanted, *_) = [r for r in dns.expected(inventory, "acme.example") if r.purpose == "dkim-cname"]
    resolver = FakeResolver()
    resolver.publish_all(dns.expected(inventory, "acme.example"))
    resolver.set(wanted.name, "CNAME", "elsewhere.example")
    (wrong,) = [each for each in verify(inventory, "acme.example", resolver) if each.subject == wanted.name]
    assert (wrong.expected, wrong.status) == (wanted.value, Status.FAIL)


class Lasting(FakeResolver):
    """DNS whose answers about one name live for a week in caches."""

    name = ""

    def lookup(self, name: str, kind: str) -> Answer:
        answer = super().lookup(name, kind)
        return replace(answer, ttl=604_800) if name == self.name and answer.values else answer


def test_every_record_of_a_customer_and_the_fleet_that_lives_long_is_told(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    for subject in (None, "acme.example"):
        resolver = Lasting()
        resolver.publish_all((*fleet_records(inventory), *dns.expected(inventory, "acme.example")))
        resolver.set("acme.example", "MX", "10 smtp.operator.example")
        wanted = dns.expected(inventory, subject) if subject else looked_at(inventory)
        for name in {each.name for each in wanted if each.purpose != "dkim"}:
            resolver.name = name
            late = [each for each in verify(inventory, subject, resolver) if each.id == "ttl"]
            assert {each.subject.split()[0] for each in late} == {name}, name


def test_a_silent_dns_is_unknown(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    resolver = FakeResolver(otherwise=Outcome.SERVER_FAILED)
    for subject in (None, "acme.example"):
        found = verify(inventory, subject, resolver)
        assert {finding.status for finding in found} == {Status.UNKNOWN}


class Silent(FakeResolver):
    """Servers for whose answers one waits."""

    async def ask_all(self, name: str, kind: str) -> tuple[Answer, ...]:
        await asyncio.sleep(60)
        return await super().ask_all(name, kind)


@pytest.mark.parametrize("profile", Profile)
def test_a_fleet_that_takes_too_long_keeps_the_gate_from_opening(tmp_path: Path, profile: Profile) -> None:
    async def look() -> tuple[Finding, ...]:
        (found,) = [each async for each in readiness.verify(fleet(tmp_path), [None], Silent(), 0.1)]
        return judge(of_egress(found.findings), profile)

    found = asyncio.run(look())
    assert [(each.id, each.status) for each in found] == [("time", Status.UNKNOWN)]
    assert gate(found) is Gate.ASK


def test_a_domain_without_keys_fails(tmp_path: Path) -> None:
    found = verify(fleet(tmp_path), "globex.example", FakeResolver())
    assert "no keys in the inventory" in {finding.seen for finding in found}


@pytest.mark.parametrize("state", set(KeyState) - {KeyState.ACTIVE, KeyState.DESTROYED})
def test_a_domain_fails_until_one_of_its_keys_signs(tmp_path: Path, state: KeyState) -> None:
    inventory = fleet(tmp_path)
    keys = tuple(key.model_copy(update={"state": state}) for key in inventory.keys)
    resolver = FakeResolver()
    resolver.publish_all(dns.expected(replace(inventory, keys=keys), "acme.example"))
    found = verify(replace(inventory, keys=keys), "acme.example", resolver)
    (unsigned,) = [each for each in found if (each.id, each.subject) == ("dkim", "acme.example")]
    assert (unsigned.status, unsigned.seen) == (Status.FAIL, f"no key signs: slot 1 is {state.value}")
    assert "dkim rotate acme.example --apply --wait" in unsigned.fix


def test_keys_that_come_are_advice_while_others_sign(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    resolver = FakeResolver()
    resolver.publish_all(dns.expected(inventory, "acme.example"))
    (now,) = [key for key in inventory.keys_of("acme.example") if key.algorithm is Algorithm.RSA]
    coming = now.model_copy(update={"selector": "s2", "slot": 2, "state": KeyState.VERIFIED})
    found = verify(replace(inventory, keys=(*inventory.keys, coming)), "acme.example", resolver)
    ahead = [each for each in found if each.id == "dkim" and each.subject.startswith("s2.")]
    assert [each.status for each in ahead] == [Status.WARN]
    assert Status.FAIL not in {each.status for each in found if each.id == "dkim"}


def test_return_paths_of_a_list_server_are_the_fleets(tmp_path: Path) -> None:
    inventory = TenantFiles(write_with_list_server(tmp_path)).load()
    keys = fleet(tmp_path / "other").keys
    inventory = replace(inventory, keys=keys)
    resolver = FakeResolver()
    resolver.publish_all(dns.expected(inventory, "acme.example"))
    (found,) = [each for each in verify(inventory, "acme.example", resolver) if each.id == "alignment"]
    assert inventory.settings.bounce_domain in found.seen


def test_mail_for_its_lists_has_to_come_to_the_fleet(tmp_path: Path) -> None:
    path = write_with_list_server(tmp_path, OPEN)
    inventory = TenantFiles(path).load()
    resolver, elsewhere = FakeResolver(), FakeResolver()
    records = dns.expected(inventory, "acme.example")
    resolver.publish_all(records)
    other = [replace(each, value="10 mx.other.example") if each.type == "MX" else each for each in records]
    elsewhere.publish_all(other)
    assert [each.value for each in records if each.purpose == "dem-mx"] == ["10 smtp.operator.example"]
    seen = [
        [each.status for each in verify(inventory, "acme.example", dns) if each.id == "dem-mx"]
        for dns in (resolver, elsewhere)
    ]
    assert seen == [[Status.PASS], [Status.FAIL]]


def test_the_sheet_names_the_list_servers_site(tmp_path: Path) -> None:
    inventory = TenantFiles(write_with_list_server(tmp_path)).load()
    acme = inventory.customer("acme")
    assert acme is not None
    [(domain, records)] = [each for each in sheet(inventory, acme, "en").dns if each[0] == "acme.example"]
    wanted = [each for each in dns.expected(inventory, domain) if each.zone is Zone.CUSTOMER]
    assert list(records) == wanted
    assert [each.type for each in records if each.purpose == "dem-site"] == ["A"]
