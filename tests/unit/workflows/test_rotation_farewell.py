"""Keys whose domain is nobody's any more, or that no account may send as."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import Action, On, Wish
from provisioner.workflows import customer, rotation
from provisioner.workflows.dns import dkim_zone
from provisioner.workflows.rotation import Request
from tests.fakes import FakePush
from tests.unit.workflows.keys_world import DOMAIN, World, by_hand, go_on, run, states

TXT = [f"{letter}1.{DOMAIN}.dkim.operator.example" for letter in "es"]


def published(world: World) -> list[str]:
    return sorted(name for name, kind in world.dns.data if kind == "TXT")


def test_keys_of_a_removed_customer_go_when_their_mail_has_had_its_time(
    store: TenantFiles, tmp_path: Path
) -> None:
    world = World()
    go_on(store, world, 0)
    customer.remove(store, "acme", world.hosts)
    assert go_on(store, world, 13) == [Action.RETIRE, Action.NOTE_STOPPED]
    assert (published(world), world.hosts.keys) == (TXT, {})
    assert sorted(record.name for record in dkim_zone(store.load())) == TXT
    assert go_on(store, world, 2) == [Action.REVOKE, Action.NOTE_AGREEMENT, Action.DESTROY]
    assert not published(world)
    assert not (tmp_path / f"keys/{DOMAIN}.yml").exists()
    assert rotation.all_domains(store.load()) == ()


def test_a_signer_that_was_away_when_the_customer_went_holds_the_keys(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    world.hosts.broken = ("be2",)
    customer.remove(store, "acme", world.hosts)
    assert go_on(store, world, 20) == [Action.RETIRE]
    (wait,) = run(store, world).waits[DOMAIN]
    assert "be2; one may still sign with the old ones" in wait.reason


def test_keys_that_never_signed_go_at_once(store: TenantFiles) -> None:
    world = World(hosts=FakePush(broken=("be2",)))
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.DISTRIBUTED}
    world.hosts.broken = ()
    customer.remove(store, "acme", world.hosts)
    assert go_on(store, world, 0) == [Action.REVOKE, Action.NOTE_AGREEMENT, Action.DESTROY]


@pytest.mark.parametrize("rounds", [1, 4])
def test_a_domain_that_comes_back_signs_at_once_with_the_keys_that_retire(
    store: TenantFiles, tmp_path: Path, rounds: int
) -> None:
    world = World()
    go_on(store, world, 0)
    file = tmp_path / "customers/acme.yml"
    text = file.read_text()
    for _ in range(rounds):
        customer.remove(store, "acme", world.hosts)
        go_on(store, world, 1)
        assert states(store) == {1: KeyState.RETIRING}
        file.write_text(text)
        run(store, world)
        assert (states(store), world.signing()) == ({1: KeyState.ACTIVE}, {"s1", "e1"})


def test_a_domain_that_comes_back_without_its_records_gets_new_keys(
    store: TenantFiles, tmp_path: Path
) -> None:
    world = World()
    go_on(store, world, 0)
    file = tmp_path / "customers/acme.yml"
    text = file.read_text()
    customer.remove(store, "acme", world.hosts)
    go_on(store, world, 1)
    del world.dns.data[f"s1._domainkey.{DOMAIN}", "CNAME"]
    file.write_text(text)
    go_on(store, world, 1)
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}


@pytest.mark.parametrize(("wish", "slot"), [(Wish.EMERGENCY, None), (Wish.REVOKE, 1)])
@pytest.mark.parametrize("idle", [False, True])
def test_leaked_keys_go_at_once_also_where_nobody_signs_with_them(
    store: TenantFiles, tmp_path: Path, wish: Wish, slot: int | None, idle: bool
) -> None:
    world = World()
    go_on(store, world, 0)
    if idle:
        without_accounts(tmp_path)
    else:
        customer.remove(store, "acme", world.hosts)
    run(store, world, wish, slot=slot)
    go_on(store, world, 1)
    assert (states(store), published(world)) == ({}, [])


def test_keys_on_their_way_wait_for_an_account_and_fail_no_timer(store: TenantFiles, tmp_path: Path) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.VERIFIED}
    file = tmp_path / "customers/acme.yml"
    text = file.read_text()
    without_accounts(tmp_path)
    assert go_on(store, world, 2) == []
    assert run(store, world).waits[DOMAIN] == ()
    rotation.follow(store, Request([DOMAIN]), lambda: world.tools, lambda *_: pytest.fail("it waits"))
    file.write_text(text)
    go_on(store, world, 1)
    assert states(store)[2] is KeyState.ACTIVE


def without_accounts(root: Path) -> None:
    file = root / "customers/acme.yml"
    file.write_text(file.read_text().partition("accounts:")[0] + "accounts: []\n")


def test_what_its_last_customer_still_publishes_by_hand_holds_nothing(
    store: TenantFiles, tmp_path: Path
) -> None:
    world = World()
    file = tmp_path / "customers/acme.yml"
    file.write_text(file.read_text() + "dkim_records: txt\n")
    world.dns.data = {place: value for place, value in world.dns.data.items() if place[1] != "CNAME"}
    go_on(store, world, 0)
    by_hand(store, world)
    go_on(store, world, 1)
    assert states(store) == {1: KeyState.ACTIVE}
    customer.remove(store, "acme", world.hosts)
    go_on(store, world, 16)
    assert rotation.all_domains(store.load()) == ()


@pytest.mark.parametrize("wish", [Wish.NOTHING, Wish.ROTATE])
def test_a_domain_that_nobody_may_send_as_keeps_its_keys_and_gets_no_others(
    store: TenantFiles, tmp_path: Path, wish: Wish
) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 0, Wish.ROTATE)
    without_accounts(tmp_path)
    waits = run(store, world, wish).waits[DOMAIN]
    told = [wait.reason for wait in waits if wait.on is On.CUSTOMER]
    assert told == ["no new keys: its customer has no account that may send as it"] * (wish is Wish.ROTATE)
    go_on(store, world, 16, wish)
    assert states(store) == {2: KeyState.ACTIVE}
    world.now += 200 * timedelta(days=1)
    assert go_on(store, world, 0) == []
