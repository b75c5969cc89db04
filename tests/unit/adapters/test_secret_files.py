from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provisioner.adapters import pki, vault
from provisioner.adapters.inventory_files import SECRETS, load
from provisioner.adapters.secret_files import SecretFiles
from provisioner.adapters.vault import VaultError
from provisioner.core.errors import UsageError
from provisioner.workflows.fleet_secrets import ensure_secrets
from tests import samples

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def ensure(root: Path, now: datetime = NOW) -> tuple[str, ...]:
    return ensure_secrets(load(root), SecretFiles(root), now).made


def certificate(root: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((root / f"secrets/{name}.crt").read_bytes())


def test_everything_is_made_once(tmp_path: Path) -> None:
    samples.write(tmp_path, password=None)
    made = ensure(tmp_path)
    assert made[0] == "the vault password"
    assert "the certificate hosts/be1 (there was none)" in made
    assert "the certificate submission (there was none)" in made
    before = samples.snapshot(tmp_path)
    assert ensure(tmp_path) == ()
    assert samples.snapshot(tmp_path) == before
    assert load(tmp_path).settings.name == "test"


def test_secret_files_are_for_their_owner_alone_and_encrypted(tmp_path: Path) -> None:
    ensure(samples.write(tmp_path, password=None))
    secret = [*tmp_path.rglob("*.key"), tmp_path / SECRETS, tmp_path / vault.DEFAULT_FILE]
    assert len(secret) == 7 + 3 + 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}
    for name, content in samples.snapshot(tmp_path).items():
        assert b"PRIVATE KEY" not in content, name
        assert b"vault_state_password" not in content, name


def test_nothing_decrypted_is_ever_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    real = os.fdopen

    monkeypatch.setattr(
        "provisioner.adapters.yaml_files.os.fdopen", lambda *args: _Recorder(real(*args), written)
    )
    ensure(samples.write(tmp_path, password=None))
    assert len(written) > 10
    assert not any(b"PRIVATE KEY" in data or b"vault_dns" in data for data in written)


class _Recorder:
    """A file object that keeps what is written to it."""

    def __init__(self, stream: object, written: list[bytes]) -> None:
        self._stream, self._written = stream, written

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()  # type: ignore[attr-defined]

    def write(self, data: bytes) -> int:
        self._written.append(data)
        return int(self._stream.write(data))  # type: ignore[attr-defined]


def test_a_host_certificate(tmp_path: Path) -> None:
    ensure(samples.write(tmp_path))
    found = certificate(tmp_path, "hosts/be1")
    found.verify_directly_issued_by(certificate(tmp_path, "ca"))
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["be1.operator.example", "be1", "192.0.2.31"]
    assert found.not_valid_after_utc - found.not_valid_before_utc == timedelta(days=398)
    store = SecretFiles(tmp_path)
    pem = store.vault.decrypt((tmp_path / "secrets/hosts/be1.key").read_bytes(), "key")
    assert load_pem_private_key(pem, None).public_key() == found.public_key()


def test_the_authority_signs_and_nothing_else(tmp_path: Path) -> None:
    ensure(samples.write(tmp_path))
    authority = certificate(tmp_path, "ca")
    basic = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert (basic.value.ca, basic.value.path_length) == (True, 0)
    assert authority.not_valid_after_utc - NOW > timedelta(days=3650)
    assert (
        not certificate(tmp_path, "submission")
        .extensions.get_extension_for_class(x509.BasicConstraints)
        .value.ca
    )


def test_certificates_are_renewed_when_due(tmp_path: Path) -> None:
    ensure(samples.write(tmp_path))
    assert ensure(tmp_path, NOW + timedelta(days=366)) == ()
    made = ensure(tmp_path, NOW + timedelta(days=369))
    assert len(made) == 9
    assert made[0].endswith("(28 days were left)")


def test_a_host_that_moved_gets_a_new_certificate(tmp_path: Path) -> None:
    ensure(samples.write(tmp_path))
    samples.write(tmp_path, hosts=samples.HOSTS.replace("192.0.2.22", "192.0.2.23"))
    assert ensure(tmp_path) == ("the certificate hosts/fe2 (its names changed)",)


def test_a_certificate_without_its_key_is_made_anew(tmp_path: Path) -> None:
    ensure(samples.write(tmp_path))
    (tmp_path / "secrets/hosts/fe1.key").unlink()
    assert ensure(tmp_path) == ("the certificate hosts/fe1 (there was none)",)


@pytest.mark.parametrize("name", ["submission", "mta-sts"])
def test_the_operators_own_certificate_stays(tmp_path: Path, name: str) -> None:
    ensure(samples.write(tmp_path))
    other = pki.make_authority("elsewhere", NOW)
    own = pki.issue(other, ("smtp.operator.example",), NOW).certificate
    (tmp_path / f"secrets/{name}.crt").write_bytes(own)
    (tmp_path / f"secrets/{name}.key").unlink()
    made = ensure(tmp_path, NOW + timedelta(days=390))
    assert made
    assert not any(each.startswith(f"the certificate {name}") for each in made)
    assert (tmp_path / f"secrets/{name}.crt").read_bytes() == own


def test_half_an_authority_is_not_replaced(tmp_path: Path) -> None:
    ensure(samples.write(tmp_path))
    (tmp_path / "secrets/ca.key").unlink()
    with pytest.raises(UsageError, match=r"ca\.key is missing beside"):
        ensure(tmp_path)


def test_only_missing_variables_are_made(tmp_path: Path) -> None:
    samples.write(tmp_path)
    store = SecretFiles(tmp_path)
    text = "# mine\nvault_state_password: kept\nvault_other: x\n"
    (tmp_path / SECRETS).write_text(store.vault.encrypt(text.encode()))
    assert "the secret variable vault_dns_tsig_secret" in ensure(tmp_path)
    assert store.variables()["vault_state_password"] == "kept"
    plain = store.vault.decrypt((tmp_path / SECRETS).read_bytes(), "secrets")
    assert b"# mine\n" in plain


def test_secrets_that_nobody_encrypted(tmp_path: Path) -> None:
    samples.write(tmp_path)
    (tmp_path / SECRETS).write_text("vault_state_password: open\n")
    with pytest.raises(UsageError, match="not encrypted"):
        SecretFiles(tmp_path).variables()


def test_a_vault_round_trip_and_a_wrong_password() -> None:
    text = vault.Vault(b"one").encrypt(b"secret \x00\xff")
    assert text.startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert vault.Vault(b"one").decrypt(text, "x") == b"secret \x00\xff"
    with pytest.raises(VaultError, match="x cannot be decrypted"):
        vault.Vault(b"two").decrypt(text, "x")


def test_the_password_may_come_from_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "password"
    program.write_text("#!/bin/sh\necho from-a-program\n")
    program.chmod(0o700)
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(program))
    assert vault.read_password(vault.password_file(tmp_path)) == b"from-a-program"
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(VaultError, match="cannot be read"):
        vault.open_vault(tmp_path)


def test_a_password_file_named_elsewhere_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISIONER_VAULT_PASSWORD_FILE", str(tmp_path / "elsewhere"))
    assert not vault.ensure_password(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
