"""What DNS says, or does not say, holds keys where they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.answers import Outcome as DnsOutcome
from provisioner.core.dkim import KeyState
from provisioner.workflows.dkim import generate
from tests import samples
from tests.unit.workflows.keys_world import (
    DOMAIN,
    TARGETS,
    World,
    by_hand,
    go_on,
    make,
    run,
    states,
    waited,
)


@pytest.mark.parametrize("outcome", [DnsOutcome.SERVER_FAILED, DnsOutcome.TIMEOUT])
def test_a_server_in_doubt_holds_the_keys(store: TenantFiles, outcome: DnsOutcome) -> None:
    world = World()
    world.dns.fail(f"s1._domainkey.{DOMAIN}", "TXT", outcome)
    world.dns.data.pop((f"s1._domainkey.{DOMAIN}", "CNAME"))
    go_on(store, world, 1)
    waits = run(store, world).waits[DOMAIN]
    assert [wait.reason for wait in waits] == [f"DNS: s1._domainkey.{DOMAIN}: {outcome.value} (ns1.test)"]
    assert states(store) == {1: KeyState.VERIFIED}
    world.dns.data.pop((f"s1._domainkey.{DOMAIN}", "TXT"))
    world.dns.set(f"s1._domainkey.{DOMAIN}", "CNAME", TARGETS[0])
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_the_second_look_comes_when_nobody_can_still_follow_an_old_alias(store: TenantFiles) -> None:
    world = World()
    world.dns.ttls[f"s1._domainkey.{DOMAIN}"] = 86_400
    assert waited(store, world) == timedelta(days=1)


@pytest.mark.parametrize("zone", ["dkim.operator.example", DOMAIN])
def test_the_second_look_comes_when_nobody_can_still_believe_that_there_is_nothing(
    store: TenantFiles, zone: str
) -> None:
    world = World()
    world.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 7200")
    world.dns.set(f"_domainkey.{DOMAIN}", "CNAME", "nothing.here.example")
    assert waited(store, world) == timedelta(hours=2)


def test_keys_that_a_customer_publishes_hang_on_its_own_zone_alone(
    store: TenantFiles, tmp_path: Path
) -> None:
    file = tmp_path / "customers/acme.yml"
    file.write_text(file.read_text() + "dkim_records: txt\n")
    world = World()
    world.dns.data = {place: value for place, value in world.dns.data.items() if place[1] != "CNAME"}
    world.dns.set(DOMAIN, "SOA", "ns1.test hostmaster.test 1 2 3 4 7200")
    world.dns.set("dkim.operator.example", "SOA", "ns1.test hostmaster.test 1 2 3 4 86400")
    run(store, world)
    by_hand(store, world)
    assert waited(store, world) == timedelta(hours=2)


@pytest.mark.parametrize("zone", ["dkim.operator.example", DOMAIN])
def test_a_time_to_live_that_is_not_known_is_doubt(store: TenantFiles, zone: str) -> None:
    world = World()
    world.dns.fail(zone, "SOA", DnsOutcome.TIMEOUT)
    go_on(store, world, 1)
    (wait,) = run(store, world).waits[DOMAIN]
    assert wait.reason == f"DNS: the SOA record of {zone}: no answer (ns1.test)"
    assert states(store) == {1: KeyState.VERIFIED}
    world.dns.data.pop((zone, "SOA"))
    go_on(store, world, 1)
    assert states(store) == {1: KeyState.VERIFIED}
    world.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 3600")
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_a_primary_that_refuses_the_update_holds_the_keys_and_says_so(store: TenantFiles) -> None:
    world = World()
    generate(store, make, DOMAIN, world.now)
    world.refuses = True
    go_on(store, world, 1)
    faults = run(store, world).faults
    assert "was not published: REFUSED" in faults[0].message
    assert states(store) == {1: KeyState.PUBLISHED}
    world.refuses = False
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_no_keys_are_made_that_the_primary_would_refuse(store: TenantFiles, tmp_path: Path) -> None:
    world, before = World(refuses=True), samples.snapshot(tmp_path)
    outcome = run(store, world)
    assert [fault.message for fault in outcome.faults] == ["no new keys were made: REFUSED"]
    assert (outcome.done, world.log) == ((), [])
    assert samples.snapshot(tmp_path) == before
    world.refuses = False
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_a_customer_that_does_no_cnames_is_waited_for(store: TenantFiles, tmp_path: Path) -> None:
    file = tmp_path / "customers/acme.yml"
    file.write_text(file.read_text() + "dkim_records: txt\n")
    world = World()
    world.dns.data = {place: value for place, value in world.dns.data.items() if place[1] != "CNAME"}
    go_on(store, world, 1)
    assert states(store) == {1: KeyState.VERIFIED}
    rsa, ed25519 = sorted(store.load().keys_of(DOMAIN), key=lambda key: key.algorithm, reverse=True)
    waits = run(store, world).waits[DOMAIN]
    assert f'Publish: e1._domainkey.{DOMAIN} TXT "{ed25519.record.render()}"' in waits[0].reason
    assert not [name for name, kind in world.dns.data if kind == "TXT"]
    for key in (rsa, ed25519):
        world.dns.set(f"{key.selector}._domainkey.{DOMAIN}", "TXT", key.record.render())
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}
