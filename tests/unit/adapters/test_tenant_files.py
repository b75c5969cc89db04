from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from provisioner.adapters import dkim_keys, passwords
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.customers import Account, Customer
from provisioner.core.dkim import Algorithm, DkimKey, KeyState, decode_base64, rsa_bits
from provisioner.core.errors import InventoryError, UsageError
from provisioner.core.fleet import Inventory
from tests import samples

KEYS = "keys/acme.example.yml"


def with_keys(root: Path) -> tuple[TenantFiles, Inventory, dict[str, bytes]]:
    """The sample inventory with a real key of each kind, and the private halves by id."""
    store = TenantFiles(samples.write(root))
    private: dict[str, bytes] = {}
    for algorithm in Algorithm:
        public, pem = dkim_keys.generate(algorithm)
        key = DkimKey(
            domain="acme.example",
            selector=f"{algorithm.selector_letter}1",
            algorithm=algorithm,
            slot=1,
            state=KeyState.GENERATED,
            created=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
            public=public,
        )
        store.add_keys("acme.example", [(key, pem)])
        private[key.id] = pem
    return store, store.load(), private


def test_new_keys_are_read_back_and_decrypted_by_id(tmp_path: Path) -> None:
    store, inventory, private = with_keys(tmp_path)
    assert [key.selector for key in inventory.keys_of("acme.example")] == ["e1", "s1"]
    assert inventory.keys[0].created == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    load = store.key_loader(inventory)
    assert {key.id: load(key.id) for key in inventory.keys} == private


def test_keys_are_encrypted_and_for_their_owner_alone(tmp_path: Path) -> None:
    with_keys(tmp_path)
    text = (tmp_path / KEYS).read_text()
    assert text.count("$ANSIBLE_VAULT;1.1;AES256") == 2
    assert "PRIVATE KEY" not in text
    assert stat.S_IMODE((tmp_path / KEYS).stat().st_mode) == 0o600
    assert not [name for name in samples.snapshot(tmp_path) if name.split("/")[-1].startswith(".acme")]


def test_a_change_of_state_keeps_everything_else(tmp_path: Path) -> None:
    store, _, _ = with_keys(tmp_path)
    before = (tmp_path / KEYS).read_text().replace("---\n", "---\n# rotated in spring\n")
    (tmp_path / KEYS).write_text(before)
    e1 = next(key for key in store.load().keys_of("acme.example") if key.selector == "e1")
    store.update_keys([e1.model_copy(update={"state": KeyState.ACTIVE})])
    after = (tmp_path / KEYS).read_text()
    start, end = before.split("selector: e1", 1)
    assert after == start + "selector: e1" + end.replace("state: generated", "state: active", 1)
    assert {key.selector: key.state.value for key in store.load().keys} == {"e1": "active", "s1": "generated"}


def test_keys_are_loaded_from_threads_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, inventory, private = with_keys(tmp_path)
    calls: list[str] = []
    real = TenantFiles._private

    def counted(self: TenantFiles, domain: str, selector: str) -> bytes:
        calls.append(selector)
        return real(self, domain, selector)

    monkeypatch.setattr(TenantFiles, "_private", counted)
    load = TenantFiles(tmp_path).key_loader(inventory)
    threads = [Thread(target=load, args=(key_id,)) for key_id in private for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(calls) == ["e1", "s1"]


def test_a_private_key_in_the_clear_is_a_fault(tmp_path: Path) -> None:
    store, _, _ = with_keys(tmp_path)
    text = (tmp_path / KEYS).read_text().replace("private: !vault |", "private: |", 1)
    (tmp_path / KEYS).write_text(text)
    with pytest.raises(InventoryError, match="1 fault") as caught:
        store.load()
    assert caught.value.faults[0].message == "private is not an encrypted value"
    assert caught.value.faults[0].line == 8


def test_a_selector_twice_and_a_damaged_key(tmp_path: Path) -> None:
    store, _, _ = with_keys(tmp_path)
    text = (tmp_path / KEYS).read_text().replace("selector: e1", "selector: s1")
    (tmp_path / KEYS).write_text(text.replace("slot: 1", "slot: 7", 1))
    with pytest.raises(InventoryError) as caught:
        store.load()
    assert [fault.message for fault in caught.value.faults] == [
        "slot: input should be less than or equal to 3"
    ]
    (tmp_path / KEYS).write_text(text)
    with pytest.raises(InventoryError) as caught:
        store.load()
    assert [fault.message for fault in caught.value.faults] == ["selector 's1' appears twice"]


def test_a_customer_is_written_and_read_back(tmp_path: Path) -> None:
    store = TenantFiles(samples.write(tmp_path))
    account = Account(login="no", password_hash=samples.HASH)
    customer = Customer(
        name="new", contact="a@new.example", plan="dem", domains=("bücher.example",), accounts=(account,)
    )
    store.add_customer(customer)
    assert store.load().customer("new") == customer
    with pytest.raises(UsageError, match="exists already"):
        store.add_customer(customer)


def test_a_customer_is_removed_and_its_keys_are_not(tmp_path: Path) -> None:
    store, inventory, _ = with_keys(tmp_path)
    acme = inventory.customer("acme")
    assert acme is not None
    expected = (f"{tmp_path}/customers/acme.yml",)
    assert store.files_of(acme) == expected
    assert store.remove_customer(acme) == expected
    assert [customer.name for customer in store.load().customers] == ["globex"]
    assert store.load().keys == inventory.keys


def test_a_file_without_keys_does_not_stay(tmp_path: Path) -> None:
    store, inventory, _ = with_keys(tmp_path)
    first, *others = (key.selector for key in inventory.keys_of("acme.example"))
    store.remove_keys("acme.example", [first])
    assert (tmp_path / KEYS).exists()
    store.remove_keys("acme.example", others)
    assert not (tmp_path / KEYS).exists()
    assert store.load().keys == ()


def test_the_lock_leaves_nothing_behind_and_opens_again(tmp_path: Path) -> None:
    store = TenantFiles(samples.write(tmp_path))
    before = sorted(os.listdir(tmp_path))  # noqa: PTH208 - names, hidden ones too
    with store.locked():
        pass
    with store.locked():
        assert sorted(os.listdir(tmp_path)) == before  # noqa: PTH208


def test_generated_keys_are_what_verifiers_expect() -> None:
    public, pem = dkim_keys.generate(Algorithm.RSA)
    assert rsa_bits(decode_base64(public)) == 2048
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    public, pem = dkim_keys.generate(Algorithm.ED25519)
    assert len(decode_base64(public)) == 32
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")


def test_passwords() -> None:
    one, two = passwords.generate(), passwords.generate()
    assert one != two
    assert len(one) >= 24
    assert one.isalnum()
    hashed = passwords.hash_password(one)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert Account(login="acme", password_hash=hashed).dovecot_hash.startswith("{ARGON2ID}$")
