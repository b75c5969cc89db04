"""Keys that leaked go from DNS and from every host, and never before others work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import Action, On, Wish, slots_of
from provisioner.core.probes import Verdict
from provisioner.workflows import rotation
from provisioner.workflows.rotation import Request, Transition
from tests.unit.workflows.keys_world import (
    DOMAIN,
    TARGETS,
    TTL,
    World,
    by_hand,
    go_on,
    run,
    states,
)


def test_leaked_keys_are_replaced_with_all_proof_and_revoked_at_once(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    assert go_on(store, world, 0, Wish.EMERGENCY) == [
        *(Action.MARK_LEAKED, Action.GENERATE, Action.DISTRIBUTE, Action.ACKNOWLEDGE, Action.PUBLISH),
        *(Action.NOTE_AGREEMENT, Action.ACTIVATE, Action.NOTE_STOPPED, Action.PROVE, Action.REVOKE),
        *(Action.NOTE_AGREEMENT, Action.DESTROY),
    ]
    assert states(store) == {2: KeyState.ACTIVE}


@pytest.mark.parametrize("wish", [Wish.ROTATE, Wish.EMERGENCY])
def test_the_same_command_again_goes_on_with_what_it_began(store: TenantFiles, wish: Wish) -> None:
    """As whoever saw it end early repeats it: at each moment until the new keys are proven."""
    world = World(probes=Verdict.DOUBT)
    go_on(store, world, 0)
    first = {KeyState.ACTIVE: 1}
    if wish is Wish.EMERGENCY:
        world.probes = Verdict.RIGHT
        run(store, world)
        first = {KeyState.RETIRING: 1, KeyState.ACTIVE: 2}
        run(store, world, wish)
        world.probes = Verdict.DOUBT
    for _ in range(3):
        world.now += TTL
        run(store, world, wish)
    assert {slot.state: slot.number for slot in slots_of(store.load().keys_of(DOMAIN))} == first
    assert [each.action for each in world.log].count(Action.GENERATE) == len(first)
    assert not next(key for key in store.load().keys_of(DOMAIN) if key.state is KeyState.ACTIVE).leaked


def test_leaked_keys_stay_in_dns_as_long_as_a_signer_uses_them_or_the_new_ones_do_not_verify(
    store: TenantFiles,
) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    world.now += TTL
    there = world.dns.lookup(TARGETS[0], "TXT").values

    def be2_goes_away(transition: Transition) -> None:
        if transition.action is Action.ACTIVATE:
            world.hosts.broken = ("be2",)

    outcome = run(store, world, note=be2_goes_away)
    assert {wait.on for wait in outcome.waits[DOMAIN]} == {On.SIGNERS}
    world.hosts.broken, world.probes = (), Verdict.WRONG
    outcome = run(store, world)
    assert [wait.on for wait in outcome.waits[DOMAIN]] == [On.PROOF]
    assert "the probe through be1: why" in outcome.faults[0].message
    assert world.dns.lookup(TARGETS[0], "TXT").values == there
    world.probes = Verdict.RIGHT
    run(store, world)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}


def test_a_revoked_key_is_one_that_dns_says_there_is_none_of(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    world.now += TTL
    run(store, world)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    assert world.dns.lookup(TARGETS[0], "TXT").values == ("v=DKIM1; k=rsa; p=",)


def test_keys_that_leak_are_noted_to_have_even_when_their_probe_fails(store: TenantFiles) -> None:
    world = World(probes=Verdict.WRONG)
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    slots = slots_of(store.load().keys_of(DOMAIN))
    assert [(slot.state, slot.leaked) for slot in slots] == [
        (KeyState.ACTIVE, True),
        (KeyState.VERIFIED, False),
    ]


def test_private_keys_leave_every_signer_before_they_are_called_destroyed(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    (old, _) = (key for key in store.load().keys_of(DOMAIN) if key.slot == 1)
    run(store, world, Wish.EMERGENCY)
    world.now += TTL

    def be2_goes_away(transition: Transition) -> None:
        if transition.action is Action.REVOKE:
            world.hosts.broken = ("be2",)

    run(store, world, note=be2_goes_away)
    assert old.id not in world.hosts.bundles[-1].keys
    go_on(store, world, 3)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    (wait,) = run(store, world).waits[DOMAIN]
    assert (wait.on, "may still hold the private keys: be2" in wait.reason) == (On.SIGNERS, True)
    world.hosts.broken = ()
    run(store, world)
    assert states(store) == {2: KeyState.ACTIVE}
    assert world.log[-1].seen == "gone at ns1.test; no longer on be1, be2; withdrawn by the primary"


def test_leaked_keys_are_not_called_destroyed_while_the_customer_still_publishes_them(
    store: TenantFiles, tmp_path: Path
) -> None:
    file = tmp_path / "customers/acme.yml"
    file.write_text(file.read_text() + "dkim_records: txt\n")
    world = World()
    world.dns.data = {place: value for place, value in world.dns.data.items() if place[1] != "CNAME"}
    run(store, world)
    by_hand(store, world)
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    by_hand(store, world)
    go_on(store, world, 7)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    (wait,) = run(store, world).waits[DOMAIN]
    assert (wait.on, wait.until) == (On.CUSTOMER, None)
    assert wait.reason.endswith(f"Remove the TXT record e1._domainkey.{DOMAIN}, or empty its p=")
    world.dns.data.pop((f"e1._domainkey.{DOMAIN}", "TXT"))
    world.dns.set(f"s1._domainkey.{DOMAIN}", "TXT", "v=DKIM1; p=")
    go_on(store, world, 0)
    assert states(store) == {2: KeyState.ACTIVE}


def test_without_a_primary_revoked_keys_wait_until_they_are_gone_from_dns(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 0, Wish.EMERGENCY)
    assert states(store) == {2: KeyState.ACTIVE}
    tools = replace(world.tools, publisher=None)
    rotation.run(store, Request([DOMAIN], Wish.ROTATE), tools)
    (key, _) = (each for each in store.load().keys_of(DOMAIN) if each.slot == 1)
    world.dns.set(f"{key.selector}.{DOMAIN}.dkim.operator.example", "TXT", key.record.render())
    rotation.run(store, Request([DOMAIN], Wish.REVOKE, slots={DOMAIN: 1}), tools)
    for _ in range(3):
        world.now += TTL
        outcome = rotation.run(store, Request([DOMAIN]), tools)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    assert outcome.waits[DOMAIN][0].on is On.DNS
    world.dns.data.pop((f"{key.selector}.{DOMAIN}.dkim.operator.example", "TXT"))
    for _ in range(2):
        rotation.run(store, Request([DOMAIN]), tools)
        world.now += TTL
    assert states(store) == {2: KeyState.ACTIVE}
