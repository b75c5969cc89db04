"""How a host switches from one tenant bundle to the next."""

from __future__ import annotations

import io
import sys
import tarfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.adapters.tenants import pack

SCRIPT = Path(__file__).parents[3] / "roles/tenants/files/usr/local/sbin/provisioner-tenants"


@pytest.fixture
def tenants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The host's own script, at work in a folder of ours and without Postfix or Dovecot."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # nothing is left beside the role's files
    loader = SourceFileLoader("provisioner_tenants", str(SCRIPT))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    for name, value in {"ROOT": tmp_path, "TENANTS": tmp_path / "tenants", "KEYS": tmp_path / "keys"}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "MAPS", ())
    monkeypatch.setattr(module, "_hand_to_group", lambda *_: None)
    monkeypatch.setattr(module, "_forget_logins", lambda: None)
    return module


def test_switches_within_one_second_all_show_in_the_times_that_postfix_compares(tenants: Any) -> None:
    tenants.init()
    opened = {}  # as a process of Postfix that opened the active bundle would remember it
    for version in ("one", "two", "three", "four"):
        before = (tenants.TENANTS / "current" / "version").resolve()
        opened[before] = int(before.stat().st_mtime)
        tenants._activate(version, {"version": version.encode(), "domains": b""})
        assert int(before.stat().st_mtime) != opened[before]
        assert int((tenants.TENANTS / "current" / "version").stat().st_mtime) > opened[before]


def built_of(source: Path, *, as_before: bool) -> None:
    """A map that says what it was made of."""
    source.with_name(f"{source.name}.cdb").write_bytes(b"built of " + source.read_bytes())


def test_a_map_that_the_active_bundle_lacks_is_made_empty(
    tenants: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenants, "_build_map", built_of)
    monkeypatch.setattr(tenants, "MAPS", ("senders",))
    tenants.init()
    tenants._activate("old", {"version": b"old", "senders": b"@a.example a\n"})
    monkeypatch.setattr(tenants, "MAPS", ("senders", "returns"))
    tenants.init()
    current = tenants.TENANTS / "current"
    assert (current / "returns.cdb").read_bytes() == b"built of "
    assert (current / "senders.cdb").read_bytes() == b"built of @a.example a\n"
    tenants._activate("of an older tool", {"version": b"x", "senders": b""})
    assert (current / "returns.cdb").exists()


def test_a_file_that_came_before_its_map_was_known_becomes_one(
    tenants: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenants, "_build_map", built_of)
    monkeypatch.setattr(tenants, "MAPS", ())
    tenants.init()
    tenants._activate("new", {"version": b"new", "posts": b"lists.a.example posts:[192.0.2.71]\n"})
    monkeypatch.setattr(tenants, "MAPS", ("posts",))
    tenants.init()
    made = (tenants.TENANTS / "current" / "posts.cdb").read_bytes()
    assert made == b"built of lists.a.example posts:[192.0.2.71]\n"


OLD, NEW = "a" * 64, "b" * 64


def bundle(version: str, *keys: str) -> bytes:
    """One that needs these keys and brings them."""
    named = ",".join(f'{{"key":"{key}"}}' for key in keys)
    files = {"version": version.encode(), "domains": f'acme.example {{"keys":[{named}]}}\n'.encode()}
    return pack(version, files, {}, dict.fromkeys(keys, b"private"))


def push(tenants: Any, version: str, *keys: str) -> Any:
    return tenants.apply(io.BytesIO(bundle(version, *keys)))


def test_private_keys_go_with_the_bundle_that_needed_them(tenants: Any) -> None:
    tenants.init()
    push(tenants, "one", OLD)
    said = push(tenants, "two", NEW)
    assert (said["previous"], said["missing_keys"], said["stray_keys"]) == ("one", [], [])
    assert [path.stem for path in tenants.KEYS.iterdir()] == [NEW]


def test_keys_that_a_stopped_run_left_are_told_and_go_with_the_next(tenants: Any) -> None:
    tenants.init()
    push(tenants, "one", OLD)
    (tenants.KEYS / f"{NEW}.pem").write_text("private")
    (tenants.KEYS / f".{NEW}.pem.new").write_text("half of it")
    assert tenants.status()["stray_keys"] == [NEW]
    assert push(tenants, "one", OLD)["stray_keys"] == []
    assert [path.name for path in tenants.KEYS.iterdir()] == [f"{OLD}.pem"]


def test_a_switch_that_was_stopped_before_its_readers_knew_is_ended_by_the_next(
    tenants: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    tenants.init()
    push(tenants, "one", OLD)
    monkeypatch.setattr(tenants, "_forget_logins", stopped)
    with pytest.raises(KeyboardInterrupt):
        push(tenants, "two", OLD)
    assert tenants.status()["version"] is None  # so the operator's tool brings it again
    forgot: list[str] = []
    monkeypatch.setattr(tenants, "_forget_logins", lambda: forgot.append("logins"))
    assert push(tenants, "two", OLD)["version"] == "two"
    assert push(tenants, "two", OLD)["version"] == "two"
    assert forgot == ["logins"]


def said(tenants: Any, monkeypatch: pytest.MonkeyPatch, *sent: bytes) -> list[Any]:
    """What `serve` says when it is sent this."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"".join(sent))))
    return list(tenants.serve())


def framed(archive: bytes) -> bytes:
    return b"%d\n" % len(archive) + archive


@pytest.mark.parametrize(
    "manifest",
    [
        b"[]",
        b'{"version": "two"}',
        b'{"version": "two", "files": ["version"]}',
        b'{"version": ["two"], "files": {"version": ""}}',
        b'{"version": "two", "files": {}}',
    ],
)
def test_a_manifest_that_says_something_else_is_refused(tenants: Any, manifest: bytes) -> None:
    tenants.init()
    push(tenants, "one", OLD)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(manifest)
        tar.addfile(member, io.BytesIO(manifest))
    with pytest.raises(tenants.Refused):
        tenants.apply(io.BytesIO(packed.getvalue()))
    push(tenants, "three", NEW)
    assert tenants.status()["version"] == "three"


def test_one_conversation_brings_a_bundle_and_then_the_keys_that_it_lacks(
    tenants: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants.init()
    whole = bundle("one", NEW)
    keyless = pack(
        "one",
        {"version": b"one", "domains": f'acme.example {{"keys":[{{"key":"{NEW}"}}]}}\n'.encode()},
        {},
        {},
    )
    answers = said(tenants, monkeypatch, framed(keyless), framed(whole))
    assert [(each["version"], each["missing_keys"]) for each in answers] == [
        ("empty", []),
        ("empty", [NEW]),
        ("one", []),
    ]


def test_a_bundle_of_which_the_connection_lost_the_end_changes_nothing(
    tenants: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants.init()
    push(tenants, "one", OLD)
    for cut in (1, 600, 2000, 11 * 512):
        with pytest.raises(tenants.Refused):
            said(tenants, monkeypatch, framed(bundle("two", NEW))[:-cut])
    with pytest.raises(tenants.Refused):
        said(tenants, monkeypatch, b"many\n")
    assert tenants.status()["version"] == "one"
