"""The cache of validated files never changes what an inventory is, only how long it takes to read."""

from __future__ import annotations

import os
import pickle
import re
import sqlite3
import time
from pathlib import Path

import pytest

from provisioner.adapters import validated_cache
from provisioner.adapters.inventory_files import SECRETS, load
from provisioner.adapters.validated_cache import ValidatedCache
from provisioner.adapters.vault import Vault
from provisioner.core.errors import InventoryError
from tests import samples

LONG_AGO = time.time() - 3600


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROVISIONER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(validated_cache, "SETTLED", -1.0)  # the times of change can't be set back
    return samples.write(tmp_path / "inventory")


def cached(root: Path) -> list[Path]:
    return list((root.parent / "cache/inventories").iterdir())


def test_what_is_remembered_is_what_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(root)
    monkeypatch.setattr(
        "provisioner.adapters.inventory_files._parsed",
        lambda path: (
            pytest.fail(f"{path} read again")
            if path.parent.name == "customers"
            else __import__("yaml").safe_load(path.read_text())
        ),
    )
    assert load(root) == first


def test_an_edit_is_seen(root: Path) -> None:
    load(root)
    file = root / "customers/acme.yml"
    file.write_text(file.read_text().replace("plan: base", "plan: plus"))
    acme = load(root).customer("acme")
    assert acme is not None
    assert acme.plan == "plus"


def test_a_fault_keeps_its_line(root: Path) -> None:
    file = root / "customers/acme.yml"
    file.write_text(file.read_text().replace("plan: base", "plan: gold"))
    for _ in range(2):
        with pytest.raises(InventoryError) as caught:
            load(root)
        assert [(fault.line, fault.message) for fault in caught.value.faults] == [
            (4, "there is no plan 'gold'")
        ]


def test_a_file_that_is_gone_is_forgotten(root: Path) -> None:
    load(root)
    (root / "customers/globex.yml").unlink()
    assert load(root).customer("globex") is None
    with sqlite3.connect(cached(root)[0]) as database:
        rows = database.execute("SELECT content FROM groups").fetchall()
    names = {name for (content,) in rows for name in pickle.loads(content)}  # noqa: S301
    assert "customers/acme.yml" in names
    assert "customers/globex.yml" not in names


def test_rules_between_files_are_asked_of_what_is_remembered(root: Path) -> None:
    load(root)
    claimed = (root / "customers/acme.yml").read_text()
    domain = re.search(r"domains: *\n? *-? *\[?([a-z0-9.-]+)", claimed)
    assert domain is not None
    (root / "customers/thief.yml").write_text(
        f"contact: it@thief.example\nplan: base\ndomains: [{domain[1]}]\naccounts: []\n"
    )
    with pytest.raises(InventoryError) as caught:
        load(root)
    assert [fault.message for fault in caught.value.faults] == [
        f"domain {domain[1]!r} is claimed by customers/acme.yml already"
    ]


def test_other_rules_begin_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(root)
    seen = cached(root)[0].read_bytes()
    monkeypatch.setattr(validated_cache, "_rules", lambda: "of another version")
    assert not ValidatedCache(root)._known
    assert load(root) == first
    assert cached(root)[0].read_bytes() != seen
    assert ValidatedCache(root)._known


@pytest.mark.parametrize("path", ["file", "folder"])
def test_what_others_could_write_is_not_opened(
    root: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    load(root)
    file = cached(root)[0]
    (file if path == "file" else file.parent).chmod(0o777)
    monkeypatch.setattr(pickle, "loads", lambda _: pytest.fail("it was opened"))
    assert load(root).customer("acme") is not None


def test_a_vault_password_that_changes_is_tried_again(root: Path) -> None:
    secrets = root / SECRETS
    secrets.parent.mkdir(parents=True, exist_ok=True)
    secrets.write_text(Vault(samples.PASSWORD.encode()).encrypt(b"vault_x: y"))
    load(root)
    load(root)
    (root / ".vault-password").write_text("another one")
    with pytest.raises(InventoryError) as caught:
        load(root)
    assert ["cannot be decrypted" in fault.message for fault in caught.value.faults] == [True]


def test_a_vault_password_that_was_tried_is_not_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = root / SECRETS
    secrets.parent.mkdir(parents=True, exist_ok=True)
    secrets.write_text(Vault(samples.PASSWORD.encode()).encrypt(b"vault_x: y"))
    load(root)
    monkeypatch.setattr(Vault, "decrypt", lambda *_: pytest.fail("it was tried again"))
    load(root)


def test_only_its_owner_reads_it(root: Path) -> None:
    load(root)
    assert cached(root)[0].stat().st_mode & 0o777 == 0o600
    assert cached(root)[0].parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [b"", b"no database at all, but text that is long enough" * 100])
def test_a_damaged_cache_does_no_harm(root: Path, damage: bytes) -> None:
    first = load(root)
    cached(root)[0].write_bytes(damage)
    assert load(root) == first
    assert load(root) == first


def test_no_place_for_a_cache_does_no_harm(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISIONER_CACHE", "/proc/nowhere")
    assert load(root).customer("acme") is not None


def test_what_was_written_just_now_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISIONER_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "file.yml"
    file.write_text("a: 1")
    os.utime(file, (LONG_AGO, LONG_AGO))  # a clock that was set back, or a file that was copied with its time
    cache = ValidatedCache(tmp_path)
    assert cache.holds("file.yml", file.stat()) is None
    cache.keep({"file.yml": "held"})
    assert ValidatedCache(tmp_path).holds("file.yml", file.stat()) is None
    monkeypatch.setattr(validated_cache, "SETTLED", -1.0)
    cache = ValidatedCache(tmp_path)
    cache.holds("file.yml", file.stat())
    cache.keep({"file.yml": "held"})
    assert ValidatedCache(tmp_path).holds("file.yml", file.stat()) == "held"


def test_a_cache_that_can_not_be_removed_does_no_harm(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(root)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(ValidatedCache, "_load", refused)
    monkeypatch.setattr(ValidatedCache, "_write", refused)
    monkeypatch.setattr(Path, "unlink", refused)
    assert load(root) == first
