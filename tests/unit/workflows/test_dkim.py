from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.answers import Outcome
from provisioner.core.dkim import KeyState
from provisioner.core.errors import UsageError
from provisioner.core.findings import Status
from provisioner.core.records import customer_records
from provisioner.workflows import dkim
from tests import samples
from tests.fakes import FakeResolver, key_maker

NOW = datetime(2025, 1, 2, tzinfo=UTC)


def prepared(root: Path) -> tuple[TenantFiles, FakeResolver]:
    """The sample inventory with keys for acme.example, and a DNS that has everything they need."""
    store = TenantFiles(samples.write(root))
    dkim.generate(store, key_maker, "acme.example", NOW)
    inventory = store.load()
    owner = inventory.owner("acme.example")
    assert owner is not None
    dns = FakeResolver()
    keys = inventory.keys_of("acme.example")
    dns.publish_all(customer_records(inventory.settings, owner, "acme.example", keys))
    return store, dns


def test_both_keys_are_made_once(tmp_path: Path) -> None:
    store = TenantFiles(samples.write(tmp_path))
    first = dkim.generate(store, key_maker, "ACME.example", NOW)
    assert [key.selector for key in first.made] == ["s1", "e1"]
    before = samples.snapshot(tmp_path)
    second = dkim.generate(store, key_maker, "acme.example", NOW)
    assert second.made == ()
    assert [key.selector for key in second.kept] == ["e1", "s1"]
    assert samples.snapshot(tmp_path) == before


@pytest.mark.parametrize(("domain", "reason"), [("other.example", "no customer"), ("x", "not a domain")])
def test_keys_only_for_domains_of_customers(tmp_path: Path, domain: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        dkim.generate(TenantFiles(samples.write(tmp_path)), key_maker, domain, NOW)


def test_keys_in_later_slots_are_reason_enough_to_make_none(tmp_path: Path) -> None:
    store, _ = prepared(tmp_path)
    keys = store.load().keys_of("acme.example")
    store.remove_keys("acme.example", [key.selector for key in keys])
    store.add_keys("acme.example", [(k.model_copy(update={"slot": 2}), b"private") for k in keys])
    assert dkim.generate(store, key_maker, "acme.example", NOW).made == ()


def test_what_the_world_sees_of_keys(tmp_path: Path) -> None:
    store, dns = prepared(tmp_path)
    inventory = store.load()
    found = dkim.verify(inventory, "acme.example", dns)
    assert [finding.status for finding in found] == [Status.PASS, Status.PASS]
    dns.set("e1.acme.example.dkim.operator.example", "TXT", "v=DKIM1; k=ed25519; p=" + "A" * 43 + "=")
    dns.fail("s1.acme.example.dkim.operator.example", "TXT", Outcome.TIMEOUT)
    found = dkim.verify(inventory, "acme.example", dns)
    assert [finding.status for finding in found] == [Status.FAIL, Status.UNKNOWN]


def test_nobody_asks_for_revoked_keys(tmp_path: Path) -> None:
    store, dns = prepared(tmp_path)
    keys = store.load().keys_of("acme.example")
    store.update_keys([key.model_copy(update={"state": KeyState.REVOKED}) for key in keys])
    assert dkim.verify(store.load(), "acme.example", dns) == ()


def test_imported_keys_get_none_beside_them(tmp_path: Path) -> None:
    """New ones would share the slot's life: an active key would be taken for one that nobody publishes."""
    store, _ = prepared(tmp_path)
    keys = store.load().keys_of("acme.example")
    store.remove_keys("acme.example", [key.selector for key in keys])
    imported = keys[0].model_copy(update={"selector": "mail", "state": KeyState.ACTIVE})
    store.add_keys("acme.example", [(imported, b"private")])
    assert dkim.generate(store, key_maker, "acme.example", NOW).made == ()
    assert [key.selector for key in store.load().keys_of("acme.example")] == ["mail"]
