"""A rotation carried out: whatever ends a run, the next completes it; no key signs that DNS does not have."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.dkim import KeyState
from provisioner.core.errors import UsageError
from provisioner.core.key_slots import Action, On, Wish
from provisioner.core.probes import Verdict
from provisioner.workflows import customer, customer_change, rotation
from provisioner.workflows.rotation import Request, Transition
from tests.fakes import FakePush
from tests.unit.workflows.keys_world import (
    DOMAIN,
    TTL,
    World,
    go_on,
    run,
    states,
)


def test_the_first_keys_come_by_themselves(store: TenantFiles) -> None:
    world = World()
    assert go_on(store, world, 0) == [
        *(Action.GENERATE, Action.DISTRIBUTE, Action.ACKNOWLEDGE, Action.PUBLISH),
        *(Action.NOTE_AGREEMENT, Action.ACTIVATE, Action.PROVE),
    ]
    assert (states(store), world.signing()) == ({1: KeyState.ACTIVE}, {"s1", "e1"})


def test_a_rotation_from_one_slot_to_the_next(store: TenantFiles, tmp_path: Path) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 1, Wish.ROTATE)
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}
    assert world.signing() == {"s2", "e2"}
    go_on(store, world, 14)
    assert states(store) == {2: KeyState.ACTIVE}
    assert not [name for name, kind in world.dns.data if kind == "TXT" and name.startswith(("s1.", "e1."))]
    text = (tmp_path / f"keys/{DOMAIN}.yml").read_text()
    assert text.count("private: !vault") == 2


def test_whatever_ends_a_run_the_next_completes_it(store: TenantFiles) -> None:
    """Killed after each transition in turn, and before it was told."""
    world = World()

    def killed(_: Transition) -> None:
        raise KeyboardInterrupt

    wishes = [Wish.NOTHING] * 40
    wishes[15] = Wish.ROTATE
    for wish in wishes:
        with suppress(KeyboardInterrupt):
            run(store, world, wish, killed)
        world.now += TTL
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}
    go_on(store, world, 0)
    assert world.signing() == {"s2", "e2"}


def test_a_signer_that_is_away_holds_the_keys(store: TenantFiles) -> None:
    world = World(hosts=FakePush(broken=("be2",)))
    go_on(store, world, 1)
    waits = run(store, world).waits[DOMAIN]
    assert [wait.reason for wait in waits] == ["signers that have not shown these keys: be2"]
    assert states(store) == {1: KeyState.DISTRIBUTED}
    world.hosts.broken = ()
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


@pytest.mark.parametrize("before", [Action.ACKNOWLEDGE, Action.ACTIVATE])
@pytest.mark.parametrize("fault", ["another key in its place", "no answer"])
def test_no_key_goes_on_before_every_signer_has_shown_it(
    store: TenantFiles, before: Action, fault: str
) -> None:
    """The file's name says which key it ought to be: that is no proof of what is in it."""
    world = World()
    made = _until(store, world, before)
    if fault == "no answer":
        world.hosts.silent = ("be2",)
    else:
        world.hosts.instead = dict.fromkeys(made, "0" * 64)
    go_on(store, world, 1)
    (wait,) = run(store, world).waits[DOMAIN]
    assert (wait.on, wait.reason.partition(": ")[0]) == (On.SIGNERS, "signers that have not shown these keys")
    assert not world.signing()
    world.hosts.silent, world.hosts.instead = (), {}
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_no_way_back_to_keys_that_a_signer_no_longer_has(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 0, Wish.ROTATE)
    world.hosts.instead = {key.id: "no key" for key in store.load().keys_of(DOMAIN) if key.slot == 1}
    (wait,) = run(store, world, Wish.ROLLBACK).waits[DOMAIN]
    assert wait.on is On.SIGNERS
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}


def _until(store: TenantFiles, world: World, before: Action) -> list[str]:
    """The ids of the first keys, carried through their life up to an action."""
    stops = {Action.ACKNOWLEDGE: KeyState.DISTRIBUTED, Action.ACTIVATE: KeyState.VERIFIED}

    def stop(done: Transition) -> None:
        if done.state is stops[before] and (before is Action.ACKNOWLEDGE or done.action is Action.PUBLISH):
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        run(store, world, note=stop)
    assert states(store) == {1: stops[before]}
    return [key.id for key in store.load().keys_of(DOMAIN)]


def test_back_again(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 0, Wish.ROTATE)
    go_on(store, world, 0, Wish.ROLLBACK)
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.RETIRING}
    assert world.signing() == {"s1", "e1"}


def test_two_at_once_do_not_get_in_each_others_way(store: TenantFiles, tmp_path: Path) -> None:
    world = World()
    go_on(store, world, 0)
    runs = [Thread(target=run, args=(TenantFiles(tmp_path), world, Wish.ROTATE)) for _ in range(4)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.VERIFIED}
    assert [each.action for each in world.log].count(Action.GENERATE) == 2


def test_a_domain_that_is_nobodys(store: TenantFiles) -> None:
    with pytest.raises(UsageError, match="belongs to no customer"):
        rotation.run(store, Request(["elsewhere.example"]), World().tools)
    assert rotation.all_domains(store.load()) == ()


def test_each_transition_says_why_and_what_it_rests_on(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    assert {(each.domain, each.slot, each.why) for each in world.log} == {(DOMAIN, 1, "because")}
    said = {each.action: each.seen for each in world.log}
    assert said[Action.ACKNOWLEDGE] == "held by be1, be2"
    assert said[Action.PUBLISH] == "published by the primary"
    assert said[Action.ACTIVATE] == "exact at ns1.test; held by be1, be2"
    assert said[Action.PROVE] == "probes through be1, be2 verify"


def test_new_keys_that_fail_their_probes_go_back_by_themselves(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    world.now += TTL
    world.probes = Verdict.WRONG
    outcome = run(store, world)
    assert [each.message for each in outcome.faults] == [
        "the probe through be1: why; the probe through be2: why; going back to the keys before"
    ]
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.RETIRING}
    assert world.signing() == {"s1", "e1"}
    (back,) = [each for each in world.log if each.action is Action.ACTIVATE and each.slot == 1][1:]
    why = "by itself, as those of slot 2 failed: the probe through be1: why; the probe through be2: why"
    assert (back.why, back.seen) == (why, "exact at ns1.test")
    assert world.log[-1].why == "because"
    assert run(store, world).faults == ()


def test_keys_go_back_too_when_their_probe_is_all_that_is_left_to_do(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    world.now += TTL
    world.probes = Verdict.DOUBT
    run(store, world)
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}
    world.probes = Verdict.WRONG
    outcome = run(store, world)
    assert outcome.faults[0].message.endswith("going back to the keys before")
    assert [each.action for each in outcome.done] == [Action.ACTIVATE, Action.NOTE_STOPPED]
    assert (states(store), world.signing()) == ({1: KeyState.ACTIVE, 2: KeyState.RETIRING}, {"s1", "e1"})


@pytest.mark.parametrize("verdict", [Verdict.WRONG, Verdict.DOUBT])
def test_first_keys_have_nothing_to_go_back_to(store: TenantFiles, verdict: Verdict) -> None:
    world = World(probes=verdict)
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}
    assert "the probe through be1: why" in run(store, world).faults[0].message
    world.probes = Verdict.RIGHT
    assert run(store, world).faults == ()


def test_a_probe_in_doubt_changes_nothing_and_is_sent_again(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    world.now += TTL
    world.probes = Verdict.DOUBT
    run(store, world)
    world.probes = Verdict.RIGHT
    assert [each.action for each in run(store, world).done] == [Action.PROVE]
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}


def test_keys_that_are_given_up(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.VERIFIED}
    run(store, world, Wish.REVOKE, slot=2)
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.REVOKED}
    world.now += TTL
    run(store, world)
    assert states(store) == {1: KeyState.ACTIVE}
    assert not [name for name, kind in world.dns.data if kind == "TXT" and name.startswith(("s2.", "e2."))]
    refused = run(store, world, Wish.REVOKE, slot=1)
    assert "others have to take over first" in refused.waits[DOMAIN][0].reason
    assert states(store) == {1: KeyState.ACTIVE}


def test_a_customer_is_suspended_while_keys_rotate_and_stays_so(store: TenantFiles, tmp_path: Path) -> None:
    world, others = World(), FakePush()
    suspended: list[bool] = []

    def support(_: Transition) -> None:
        if not suspended:
            suspended.append(True)
            customer_change.suspend(TenantFiles(tmp_path), "globex", "spam", world.now, others)

    at_work = Thread(target=run, args=(store, world, Wish.NOTHING, support), daemon=True)
    at_work.start()
    at_work.join(30)
    assert not at_work.is_alive(), "one waits for the other"
    assert b'"suspended":"spam"' in others.bundles[-1].frontend["accounts"]
    after = world.hosts.bundles[1:]
    assert after
    assert all(b'"suspended":"spam"' in bundle.frontend["accounts"] for bundle in after)


def test_what_changes_keys_waits_for_a_rotation(store: TenantFiles, tmp_path: Path) -> None:
    world = World()
    waiting: list[Thread] = []

    def support(_: Transition) -> None:
        if not waiting:
            removal = Thread(target=customer.remove, args=(TenantFiles(tmp_path), "acme", None))
            removal.start()
            removal.join(0.3)
            assert removal.is_alive()
            waiting.append(removal)

    run(store, world, Wish.NOTHING, support)
    waiting[0].join(30)
    assert store.load().customer("acme") is None
