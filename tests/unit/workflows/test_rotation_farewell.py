"""Keys whose domain is nobody's any more, or that no account may send as."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import Action, Wish
from provisioner.workflows import customer, rotation
from provisioner.workflows.dns import dkim_zone
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


def test_a_domain_that_comes_back_gets_keys_under_names_of_their_own(
    store: TenantFiles, tmp_path: Path
) -> None:
    world = World()
    go_on(store, world, 0)
    text = (tmp_path / "customers/acme.yml").read_text()
    customer.remove(store, "acme", world.hosts)
    go_on(store, world, 1)
    (tmp_path / "customers/acme.yml").write_text(text)
    go_on(store, world, 1)
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}
    assert published(world) == sorted([*TXT, *(name.replace("1.", "2.", 1) for name in TXT)])


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
    file = tmp_path / "customers/acme.yml"
    file.write_text(
        file.read_text().replace("accounts:\n", "accounts: []\nformer:\n").partition("former:")[0]
    )
    go_on(store, world, 16, wish)
    assert states(store) == {2: KeyState.ACTIVE}
    world.now += 200 * timedelta(days=1)
    assert go_on(store, world, 0) == []
