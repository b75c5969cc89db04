from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.adapters import dkim_keys, tenants
from provisioner.adapters.ssh import EndedError, Outcome, Result, Ssh
from provisioner.core.bundle import Bundle
from provisioner.core.dkim import Algorithm
from provisioner.core.fleet import Host
from provisioner.core.tenants import HostResult


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {}
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            found[member.name] = content.read()
        return found


def test_a_packed_bundle_says_what_is_in_it_and_brings_only_what_is_not_there() -> None:
    files = {"domains": b"d\n", "passwd": b"p\n"}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    members = unpacked(
        tenants.pack("v1", files, {"passwd": hashes["passwd"], "domains": "other"}, {"new": b"pem"})
    )
    assert json.loads(members.pop("manifest.json")) == {"version": "v1", "files": hashes}
    assert members == {"domains": b"d\n", "keys/new": b"pem"}


def test_the_same_bundle_packs_to_the_same_bytes() -> None:
    files = {"a": b"1", "b": b"2"}
    assert tenants.pack("v", files, {}, {"x": b"1"}) == tenants.pack("v", dict(files), {}, {"x": b"1"})


def test_rsa_goes_to_the_signer_as_pem_and_ed25519_as_its_seed() -> None:
    rsa = dkim_keys.generate(Algorithm.RSA)[1]
    assert tenants.as_signer_reads(rsa) == rsa
    pem = dkim_keys.generate(Algorithm.ED25519)[1]
    seed = base64.b64decode(tenants.as_signer_reads(pem))
    again = Ed25519PrivateKey.from_private_bytes(seed)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    assert again.private_bytes(*form) == pem


HOST = Host("be1", ip_address("192.0.2.31"), frozenset({"backends"}))
BUNDLE = Bundle("v1", {}, {"version": b"v1"}, frozenset())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What one host is asked, whose right bundle has left it with a key that it does not need."""
    commands: list[str] = []

    class Machine(Ssh):
        def run(self, command: Sequence[str], *_: Any, **__: Any) -> Result:
            commands.append(command[-1])
            return Result(0, self.answer(), b"")

        @contextmanager
        def talk(self, command: Sequence[str]) -> Iterator[Callable[[bytes], bytes]]:
            commands.append(command[-1])

            def ask(sent: bytes) -> bytes:
                if sent:
                    commands.append("bundle")
                return self.answer()

            yield ask

        def answer(self) -> bytes:
            stray = [] if "bundle" in commands else ["0" * 64]
            said = {"version": "v1", "previous": "v0", "files": {}, "missing_keys": [], "stray_keys": stray}
            return json.dumps(said).encode()

    def on_each(hosts: Sequence[Host], work: Callable[[Ssh], HostResult]) -> list[Outcome[HostResult]]:
        return [Outcome(host, value=work(Machine(host))) for host in hosts]

    monkeypatch.setattr(tenants, "on_each", on_each)
    return commands


def test_a_host_that_holds_keys_too_many_is_not_as_it_ought_to_be(asked: list[str]) -> None:
    assert [result.ok for result in tenants.look(lambda: BUNDLE, [HOST], lambda _: b"")] == [False]
    assert [result.ok for result in tenants.push(lambda: BUNDLE, [HOST], lambda _: b"")] == [True]
    assert [result.ok for result in tenants.look(lambda: BUNDLE, [HOST], lambda _: b"")] == [True]
    assert asked == ["status", "serve", "bundle", "status"]


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (Result(1, b"", b"sudo: /usr/local/sbin/provisioner-tenants: command not found"), "deploy"),
        (Result(2, b"", b"Take a tenant bundle: ..."), "deploy"),
        (Result(1, b"", b"bundle refused: domains is missing"), "bundle refused: domains is missing"),
    ],
)
def test_a_host_that_ends_instead_of_answering_says_why(
    monkeypatch: pytest.MonkeyPatch, ended: Result, told: str
) -> None:
    class Machine(Ssh):
        @contextmanager
        def talk(self, command: Sequence[str]) -> Iterator[Callable[[bytes], bytes]]:
            def ask(sent: bytes) -> bytes:
                raise EndedError(ended)

            yield ask

    monkeypatch.setattr(
        tenants, "on_each", lambda hosts, work: [Outcome(host, value=work(Machine(host))) for host in hosts]
    )
    [result] = tenants.push(lambda: BUNDLE, [HOST], lambda _: b"")
    assert not result.ok
    assert told in result.message
