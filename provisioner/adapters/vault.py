"""Secrets in Ansible Vault's format, which Ansible's own tools open. Nothing decrypted touches the disk."""

from __future__ import annotations

import os
import secrets
import subprocess
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.adapters.yaml_files import write_atomic
from provisioner.core.errors import UsageError

if TYPE_CHECKING:
    from ansible.parsing.vault import VaultLib

HEADER = b"$ANSIBLE_VAULT;"
DEFAULT_FILE = ".vault-password"
PASSWORD_VARIABLES = ("PROVISIONER_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_PASSWORD_FILE")


class VaultError(UsageError):
    """A vault password that cannot be read, or does not open what it should."""

    def __init__(self, message: str, *, hint: str = "", file: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file


class Vault:
    """Encrypts and decrypts with one password."""

    def __init__(self, password: bytes) -> None:
        self._password = password

    @cached_property
    def _library(self) -> VaultLib:
        from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415 - slow; most commands open none

        return VaultLib([("default", VaultSecret(self._password))])

    def encrypt(self, plain: bytes) -> str:
        """The vault text of some bytes."""
        return bytes(self._library.encrypt(plain)).decode("ascii")

    def decrypt(self, text: str | bytes, name: str) -> bytes:
        """The bytes in a vault text; `name` says in an error what it was. Raises VaultError."""
        from ansible.errors import AnsibleError  # noqa: PLC0415 - as above

        raw = text.encode() if isinstance(text, str) else text
        try:
            return bytes(self._library.decrypt(raw.strip() + b"\n"))
        except AnsibleError as error:
            raise VaultError(
                f"{name} cannot be decrypted with the vault password",
                hint="The password file is another inventory's, or the file is damaged",
                file=name,
            ) from error


def password_file(inventory: Path) -> Path:
    """Where an inventory's vault password is: the file that the environment names, else its own."""
    for variable in PASSWORD_VARIABLES:
        value = os.environ.get(variable)
        if value:
            return Path(value).expanduser()
    return inventory / DEFAULT_FILE


def open_vault(inventory: Path) -> Vault:
    """The vault of an inventory. Raises VaultError when its password cannot be read."""
    return Vault(read_password(password_file(inventory)))


def read_password(file: Path) -> bytes:
    """The password in a file; an executable file is run and prints it, as with Ansible. Raises VaultError."""
    hint = "Set PROVISIONER_VAULT_PASSWORD_FILE, or put the password there with mode 0600"
    try:
        if is_program(file):
            run = subprocess.run([str(file.resolve())], capture_output=True, check=True, timeout=60)
            password = run.stdout.strip()
        else:
            password = file.read_bytes().strip()
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        message = f"the vault password cannot be read: {reason}"
        raise VaultError(message, hint=hint, file=str(file)) from error
    if not password:
        raise VaultError("the vault password is empty", hint=hint, file=str(file))
    return password


def is_program(file: Path) -> bool:
    """Whether a password's file is to be run for it, instead of read."""
    return os.access(file, os.X_OK) and file.is_file()


def ensure_password(inventory: Path) -> bool:
    """Make a vault password where an inventory has none yet; true when made.

    Only the inventory's own file is ever made: one named in the environment is the operator's to provide.
    """
    file = password_file(inventory)
    if file != inventory / DEFAULT_FILE or file.exists():
        return False
    write_atomic(file, secrets.token_urlsafe(48) + "\n")
    return True


def is_encrypted(content: bytes) -> bool:
    """Whether a whole file is a vault text."""
    return content.startswith(HEADER)
