from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioner.workflows.fleet_secrets import ensure_secrets
from tests import samples
from tests.fakes import FakeSecrets

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def test_what_is_missing_is_made_once(tmp_path: Path) -> None:
    inventory, store = samples.inventory(tmp_path), FakeSecrets()
    made = ensure_secrets(inventory, store, NOW).made
    assert len(made) == 3 + 1 + len(inventory.hosts) + 2
    assert len(base64.b64decode(store.known["vault_dns_tsig_secret"])) == 32
    assert ensure_secrets(inventory, store, NOW).made == ()


def test_a_certificate_of_another_authority_is_replaced_for_hosts_alone(tmp_path: Path) -> None:
    inventory, store = samples.inventory(tmp_path), FakeSecrets()
    ensure_secrets(inventory, store, NOW)
    foreign = {
        name: replace(info, by_fleet=False) for name, info in store.certificates.items() if name != "ca"
    }
    store.certificates |= foreign
    made = ensure_secrets(inventory, store, NOW).made
    assert len(made) == len(inventory.hosts)
    assert "submission" not in " ".join(made)


def test_a_look_makes_what_is_missing_and_leaves_what_is_due(tmp_path: Path) -> None:
    inventory, store = samples.inventory(tmp_path), FakeSecrets()
    ensure_secrets(inventory, store, NOW)
    store.certificates.pop("hosts/be1")
    soon = replace(store.certificates["hosts/be2"], not_after=NOW + timedelta(days=3))
    store.certificates["hosts/be2"] = soon
    looked = ensure_secrets(inventory, store, NOW, only_missing=True)
    assert looked.made == ("the certificate hosts/be1 (there was none)",)
    assert looked.due == ("the certificate hosts/be2 (3 days were left)",)
    assert store.certificates["hosts/be2"] is soon
    assert ensure_secrets(inventory, store, NOW).made == looked.due


def test_days_left(tmp_path: Path) -> None:
    store = FakeSecrets()
    ensure_secrets(samples.inventory(tmp_path), store, NOW)
    info = store.certificates["hosts/be1"]
    assert info.days_left(NOW) == 398
    assert info.days_left(NOW + timedelta(days=399)) == -1
