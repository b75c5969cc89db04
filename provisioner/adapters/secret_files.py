"""The fleet's secrets on disk: vault password, secret variables, authority and certificates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path

from provisioner.adapters import pki, vault
from provisioner.adapters.inventory_files import SECRETS, shown
from provisioner.adapters.yaml_files import YamlError, edit, parse, render, scalar, write_atomic
from provisioner.core.certificates import CertificateInfo
from provisioner.core.errors import UsageError

_PUBLIC_MODE = 0o644
_EMPTY = "---\n# The fleet's own secrets. To edit them: ansible-vault edit\n{}\n"


class SecretFiles:
    """Reads and makes secrets under one inventory; keys and variables are encrypted before being written."""

    def __init__(self, inventory: Path) -> None:
        self._path = inventory

    @cached_property
    def vault(self) -> vault.Vault:
        """The inventory's vault. Raises VaultError when its password cannot be read."""
        return vault.open_vault(self._path)

    def ensure_password(self) -> bool:
        """Make the vault password when there is none; true when made."""
        return vault.ensure_password(self._path)

    def variables(self) -> dict[str, str]:
        """The variables in secrets.yml, decrypted in memory; empty when there is no such file."""
        text = self._variables_text()
        try:
            data = parse(text)
        except YamlError as error:
            raise UsageError(f"{shown(self._path / SECRETS)}, decrypted, is {error}") from error
        return {str(key): str(value) for key, value in data.items()} if isinstance(data, Mapping) else {}

    def ensure_variables(self, wanted: Mapping[str, Callable[[], str]]) -> tuple[str, ...]:
        """Make those variables that are missing; the names of those made."""
        missing = sorted(set(wanted) - set(self.variables()))
        if missing:
            data = edit(self._variables_text() or _EMPTY)
            data.update({name: scalar(wanted[name]()) for name in missing})
            content = render(data)
            write_atomic(self._path / SECRETS, self.vault.encrypt(content.encode()))
        return tuple(missing)

    def authority(self) -> CertificateInfo | None:
        """What the fleet's authority says, None when there is none. Raises UsageError for half of one."""
        certificate, key = self._files("ca")
        if certificate.exists() != key.exists():
            # A new one in its place would lock every host out of the fleet until all are deployed anew.
            there, missing = (certificate, key) if certificate.exists() else (key, certificate)
            raise UsageError(
                f"{shown(missing)} is missing beside {shown(there)}", hint="Restore it from a backup"
            )
        return self._describe("ca")

    def make_authority(self, fleet: str, now: datetime) -> None:
        """Make the fleet's authority."""
        self._write("ca", pki.make_authority(fleet, now))

    def certificate(self, name: str) -> CertificateInfo | None:
        """What `secrets/<name>.crt` says, None when it is missing, or is the fleet's without its key."""
        return self._describe(name)

    def issue(self, name: str, names: tuple[str, ...], now: datetime) -> None:
        """Make `secrets/<name>.crt` and its key, signed by the fleet's authority."""
        self._write(name, pki.issue(self._authority_pair, names, now))

    @cached_property
    def _authority_pair(self) -> pki.KeyPair:
        certificate, key = self._files("ca")
        return pki.KeyPair(certificate.read_bytes(), self.vault.decrypt(key.read_bytes(), shown(key)))

    def _files(self, name: str) -> tuple[Path, Path]:
        return self._path / "secrets" / f"{name}.crt", self._path / "secrets" / f"{name}.key"

    def _describe(self, name: str) -> CertificateInfo | None:
        certificate, key = self._files(name)
        if not certificate.exists():
            return None
        authority = self._files("ca")[0]
        try:
            info = pki.describe(
                certificate.read_bytes(), authority.read_bytes() if authority.exists() else None
            )
        except ValueError as error:
            raise UsageError(
                f"{shown(certificate)} is not a certificate", hint="Remove it and it is made anew"
            ) from error
        return info if key.exists() or not info.by_fleet else None

    def _write(self, name: str, pair: pki.KeyPair) -> None:
        # The certificate last: should this stop in between, it is still the old one, and due again.
        certificate, key = self._files(name)
        write_atomic(key, self.vault.encrypt(pair.key))
        write_atomic(certificate, pair.certificate, mode=_PUBLIC_MODE)

    def _variables_text(self) -> str:
        file = self._path / SECRETS
        if not file.exists():
            return ""
        content = file.read_bytes()
        if not vault.is_encrypted(content):
            raise UsageError(
                f"{shown(file)} is not encrypted", hint=f"Run: ansible-vault encrypt {shown(file)}"
            )
        return self.vault.decrypt(content, shown(file)).decode()
