"""The cache of parsed files never changes what an inventory is, only how long it takes to read."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from provisioner.adapters import parsed_cache
from provisioner.adapters.inventory_files import load
from provisioner.adapters.parsed_cache import ParsedCache
from provisioner.core.errors import InventoryError
from tests import samples

LONG_AGO = time.time() - 3600


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROVISIONER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(parsed_cache, "SETTLED", -1.0)  # the times of change can't be set back
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
        names = {name for (name,) in database.execute("SELECT name FROM files")}
    assert names == {"customers/acme.yml"}


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
    cache = ParsedCache(tmp_path)
    assert cache.data("file.yml", file, lambda: {"a": 1}) == {"a": 1}
    cache.keep()
    assert ParsedCache(tmp_path).data("file.yml", file, lambda: {"a": 2}) == {"a": 2}
