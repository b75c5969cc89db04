from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.customers import Customer
from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.fleet import Inventory
from provisioner.workflows import customer, dkim
from provisioner.workflows.customer import Added, NewCustomer
from tests import samples
from tests.fakes import FakePasswords, FakePush, key_maker

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEW = NewCustomer("initech", "it@initech.example", ("initech.example",))


def add(root: Path, wanted: NewCustomer, push: FakePush | None) -> list[Added]:
    announced: list[Added] = []
    report = customer.add(TenantFiles(root), FakePasswords(), wanted, announced.append, push)
    if report:
        report.require_all()
    return announced


def test_a_customer_is_added_and_pushed(tmp_path: Path) -> None:
    push = FakePush()
    added = add(samples.write(tmp_path), NEW, push)[0]
    assert (added.password, added.customer.logins) == ("the-password", ("initech",))
    assert push.hosts == ["fe1", "fe2", "be1", "be2"]
    assert b"initech:{ARGON2ID}$argon2id$" in push.bundles[0].frontend["passwd"]
    assert b"@initech.example initech\n" in push.bundles[0].frontend["senders"]
    content = (tmp_path / "customers/initech.yml").read_text()
    assert "the-password" not in content


def test_without_a_push_only_the_inventory_changes(tmp_path: Path) -> None:
    assert add(samples.write(tmp_path), NEW, None)
    assert (tmp_path / "customers/initech.yml").exists()


def test_a_host_that_fails_is_named_and_the_password_not_lost(tmp_path: Path) -> None:
    announced: list[Added] = []
    push = FakePush(broken=("fe2",))
    store = TenantFiles(samples.write(tmp_path))
    report = customer.add(store, FakePasswords(), NEW, announced.append, push)
    assert announced[0].password == "the-password"
    assert report is not None
    with pytest.raises(HostsFailed, match=r"1 of 4 hosts .* fe2: no answer") as caught:
        report.require_all()
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (NewCustomer("acme", "a@b.example", ("b.example",)), "exists already"),
        (NewCustomer("x", "a@b.example", ("acme.example",), login="xx"), "claimed by customers/acme.yml"),
        (NewCustomer("new", "a@b.example", ("b.example",), login="globex"), "login 'globex' is claimed"),
        (NewCustomer("new", "nobody", ("b.example",)), "'nobody' is not an e-mail address"),
        (NewCustomer("new", "a@b.example", ("b",)), "'b' is not a domain name"),
        (NewCustomer("../new", "a@b.example", ("b.example",), login="new"), "'../new' is not a name"),
        (NewCustomer("new", "a@b.example", ("b.example",), login="A"), "'A' is not a login"),
        (NewCustomer("new", "a@b.example", ()), "domains"),
    ],
)
def test_what_is_refused_changes_nothing(tmp_path: Path, wanted: NewCustomer, reason: str) -> None:
    before = samples.snapshot(samples.write(tmp_path))
    push = FakePush()
    with pytest.raises(UsageError, match=reason):
        add(tmp_path, wanted, push)
    assert samples.snapshot(tmp_path) == before
    assert push.bundles == []


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wanted = NewCustomer("new", "nobody", ("acme.example", "b"), plan="gold", login="globex")
    with pytest.raises(UsageError) as caught:
        add(samples.write(tmp_path), wanted, None)
    for reason in (
        "'nobody' is not an e-mail address",
        "'b' is not a domain name",
        "there is no plan 'gold'",
        "domain 'acme.example' is claimed by customers/acme.yml already",
        "login 'globex' is claimed by customers/globex.yml already",
    ):
        assert reason in caught.value.message


def test_a_customer_is_removed_and_pushed(tmp_path: Path) -> None:
    push = FakePush()
    files, report = customer.remove(TenantFiles(samples.write(tmp_path)), "acme", push)
    assert files == (f"{tmp_path}/customers/acme.yml",)
    assert report is not None
    assert b"acme" not in push.bundles[0].frontend["passwd"]
    with pytest.raises(UsageError, match="no customer 'acme'"):
        customer.remove(TenantFiles(tmp_path), "acme", push)


def test_keys_leave_every_host_with_their_customer_and_retire(tmp_path: Path) -> None:
    store = TenantFiles(samples.write(tmp_path, fleet=samples.FLEET + "fleet_queue_lifetime: 30d\n"))
    dkim.generate(store, key_maker, "acme.example", NOW)
    told: dict[str, timedelta] = {}

    def announce(before: Inventory, gone: Customer) -> None:
        assert before.owner("acme.example") == gone
        told.update(customer.retirement(before, gone))

    push = FakePush()
    customer.remove(store, "acme", push, announce)
    assert told == {"acme.example": timedelta(days=31, hours=1)}
    assert (store.load().owner("acme.example"), push.keys) == (None, {})
    assert len(store.load().keys_of("acme.example")) == 2
