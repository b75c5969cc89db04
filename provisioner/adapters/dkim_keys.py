"""DKIM key pairs: new ones, and those of other systems."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from provisioner.core.dkim import Algorithm
from provisioner.core.errors import UsageError

RSA_BITS = 2048
"""The least for new keys, and what every verifier and DNS answer takes (RFC 8301 3.2)."""

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def generate(algorithm: Algorithm, rsa_bits: int = RSA_BITS) -> tuple[str, bytes]:
    """A new key pair: the `p=` value, and the private half as PKCS#8 PEM."""
    private: Private
    if algorithm is Algorithm.RSA:
        private = rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    return public_of(private), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_of(private: Private) -> str:
    """A key's `p=`: SubjectPublicKeyInfo for RSA (RFC 6376 3.6.1), 32 bare bytes for Ed25519 (RFC 8463 4)."""
    if isinstance(private, rsa.RSAPrivateKey):
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(public).decode("ascii")


def fingerprint(pem: bytes) -> str:
    """What the key's id has to be: hex SHA-256 of its public half. Of no key: what is wrong with it."""
    try:
        _, public, _ = read(pem)
    except UsageError as error:
        return error.message
    return hashlib.sha256(base64.b64decode(public)).hexdigest()


def read(pem: bytes, passphrase: bytes | None = None) -> tuple[Algorithm, str, bytes]:
    """A private key of another system: its algorithm, `p=`, and it as PKCS#8 PEM without a passphrase.

    Raises UsageError when it is none that may sign: of another kind, too short (RFC 8301), or not opened.
    """
    try:
        private = load_pem_private_key(pem, password=passphrase)
    except TypeError as error:
        hint = "Give --passphrase-file" if passphrase is None else "Leave --passphrase-file out"
        raise UsageError(f"the key can't be opened: {error}", hint=hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"this is no private key in PEM, or the passphrase is wrong: {error}") from error
    if not isinstance(private, Private):
        raise UsageError("only RSA and Ed25519 keys sign mail (RFC 6376, RFC 8463)")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < RSA_BITS:
        hint = "Make new keys instead: provisioner dkim rotate DOMAIN --apply"
        raise UsageError(
            f"the key has {private.key_size} bits; the least is {RSA_BITS} (RFC 8301)", hint=hint
        )
    algorithm = Algorithm.RSA if isinstance(private, rsa.RSAPrivateKey) else Algorithm.ED25519
    plain = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return algorithm, public_of(private), plain
