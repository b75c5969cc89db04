"""The lab's SSH keys: one for the operator, one a machine; made once, kept beside the lab's inventory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.adapters.lab.layout import LabHost


class Identity:
    """SSH keys under one folder, mode 0700."""

    def __init__(self, folder: Path) -> None:
        """Keep the keys in `folder`, which is made when missing."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def private_key_file(self) -> Path:
        """The operator's private key, for `ssh -i`."""
        return self.folder / "id_ed25519"

    @property
    def public_key(self) -> bytes:
        """The operator's public key as a line for authorized_keys."""
        return _public(_load_or_make(self.private_key_file)) + b" provisioner-lab\n"

    def host_key(self, name: str) -> bytes:
        """The private host key of machine `name`, in OpenSSH's format."""
        path = self._host_key_file(name)
        _load_or_make(path)
        return path.read_bytes()

    def write_known_hosts(self, hosts: Iterable[LabHost]) -> Path:
        """Write known_hosts for `hosts` and return its path."""
        path = self.folder / "known_hosts"
        lines = [
            f"{host.name},{host.address} {_public(_load_or_make(self._host_key_file(host.name))).decode()}\n"
            for host in hosts
        ]
        path.write_text("".join(lines))
        return path

    def _host_key_file(self, name: str) -> Path:
        return self.folder / "host-keys" / name


def _load_or_make(path: Path) -> Ed25519PrivateKey:
    if path.exists():
        key = serialization.load_ssh_private_key(path.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)  # noqa: S101 - we only ever write this kind here
        return key
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return key


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
