"""DKIM keys as the inventory holds them, and key records as DNS holds them (RFC 6376 3.6.1, RFC 8463)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, ConfigDict, Field, model_validator

from provisioner.core.names import Domain

ED25519_BYTES = 32
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Algorithm(StrEnum):
    """Key types, as the `k=` tag names them."""

    RSA = "rsa"
    ED25519 = "ed25519"

    @property
    def selector_letter(self) -> str:
        """First letter of the fleet's selectors for this algorithm: s1 is RSA's first slot, e1 Ed25519's."""
        return "s" if self is Algorithm.RSA else "e"


class KeyState(StrEnum):
    """Where a key is in its life, in its order. Only active keys sign; one destroyed is in no file."""

    GENERATED = "generated"
    DISTRIBUTED = "distributed"
    PUBLISHED = "published"
    VERIFIED = "verified"
    ACTIVE = "active"
    RETIRING = "retiring"
    REVOKED = "revoked"
    DESTROYED = "destroyed"


def decode_base64(text: str) -> bytes:
    """The bytes of a `p=` value; white space in it is allowed (RFC 6376 3.2). Raises ValueError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error


def rsa_bits(public: bytes) -> int | None:
    """The modulus length of a DER public key (SubjectPublicKeyInfo), None when it is no RSA key."""
    try:
        key = load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None


def _id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()


class DkimKey(BaseModel):
    """One key pair of a domain; the private half stays encrypted in the inventory and is not here.

    public: the `p=` value: base64 of the SubjectPublicKeyInfo for RSA, of the raw 32 bytes for Ed25519.
    since: when it came into its state; agreed, proven, signed, leaked: see `core.key_slots.Slot`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: Domain
    selector: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    algorithm: Algorithm
    slot: int = Field(ge=1, le=3, strict=True)
    state: KeyState
    created: datetime
    public: str
    since: datetime | None = None
    agreed: datetime | None = None
    proven: datetime | None = None
    signed: datetime | None = None
    leaked: bool = False

    @model_validator(mode="after")
    def _public_fits_algorithm(self) -> DkimKey:
        try:
            data = decode_base64(self.public)
        except ValueError as error:
            raise ValueError(f"public {error}") from error
        if self.algorithm is Algorithm.ED25519 and len(data) != ED25519_BYTES:
            raise ValueError(f"public is {len(data)} bytes, an Ed25519 key has {ED25519_BYTES} (RFC 8463 4)")
        if self.algorithm is Algorithm.RSA and rsa_bits(data) is None:
            raise ValueError("public is not an RSA key in DER")
        self.__dict__["id"] = _id(data)  # it is at hand here, and decoded once
        return self

    @cached_property
    def id(self) -> str:
        """What hosts know the key by: hex SHA-256 of the public key's bytes."""
        return _id(decode_base64(self.public))

    @property
    def record(self) -> DkimRecord:
        """What DNS has to say about this key; of a revoked one that there is none (RFC 6376 3.6.1)."""
        public = "" if self.state is KeyState.REVOKED else self.public
        return DkimRecord(public=public, key_type=self.algorithm.value)


class DkimRecordError(ValueError):
    """A TXT record that is no DKIM key record; the message says why."""


@dataclass(frozen=True)
class DkimRecord:
    """A DKIM key record. An empty `public` means that the key is revoked."""

    public: str
    key_type: str = "rsa"
    hashes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    notes: str = ""

    def render(self) -> str:
        """The record's text, to be split into strings of 255 bytes by whoever publishes it."""
        tags = [("v", "DKIM1"), ("k", self.key_type)]
        tags += [("h", ":".join(self.hashes))] if self.hashes else []
        tags += [("s", ":".join(self.services))] if self.services else []
        tags += [("t", ":".join(self.flags))] if self.flags else []
        tags += [("n", self.notes)] if self.notes else []
        tags.append(("p", self.public))
        return "; ".join(f"{name}={value}" for name, value in tags)

    @property
    def testing(self) -> bool:
        """Whether it says that the domain only tests DKIM (`t=y`)."""
        return "y" in self.flags


def parse_tags(text: str) -> dict[str, str]:
    """A tag list (RFC 6376 3.2) in its order. Raises DkimRecordError when malformed or a tag is repeated."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        name, equals, value = part.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not _TAG_NAME.fullmatch(name):
            raise DkimRecordError(f"{part.strip()!r} is not a tag")
        if name in tags:
            raise DkimRecordError(f"the tag {name}= appears twice")
        tags[name] = value
    return tags


def parse_record(text: str) -> DkimRecord:
    """The key record in a TXT record's joined text. Raises DkimRecordError (RFC 6376 3.6.1)."""
    tags = parse_tags(text)
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        raise DkimRecordError("v= must be the first tag and DKIM1")
    if "p" not in tags:
        raise DkimRecordError("it has no p= tag")
    public = "".join(tags["p"].split())
    try:
        decode_base64(public)
    except ValueError as error:
        raise DkimRecordError(f"p= {error}") from error
    return DkimRecord(
        public=public,
        key_type=tags.get("k", "rsa"),
        hashes=_words(tags.get("h", "")),
        services=_words(tags.get("s", "")),
        flags=_words(tags.get("t", "")),
        notes=tags.get("n", ""),
    )


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(":") if word.strip())
