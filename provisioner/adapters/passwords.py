"""Passwords: made at random, kept as Argon2id hashes that Dovecot verifies."""

from __future__ import annotations

import secrets
import string

from argon2 import PasswordHasher
from argon2.low_level import Type

LENGTH = 28
"""Characters of a generated password: 162 bits, so nobody guesses one even with the hash in hand."""

# Letters and digits that are not mistaken for each other when read aloud, and need no quoting anywhere.
_ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("Il1O0o")))
# OWASP's choice of least memory (19 MiB, 2 passes): every login costs a frontend this much.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


def generate() -> str:
    """A new password."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, in crypt's form."""
    return _HASHER.hash(password)


def new_tag() -> str:
    """What nobody guesses in a return path: 8 hex digits."""
    return secrets.token_hex(4)
