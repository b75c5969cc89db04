"""Verify DKIM signatures with dkimpy against live DNS: another implementation than the one that signs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import dkim

_TAG = rb"(?:^|;)\s*%s\s*=\s*([^;\s]+)"
_ALGORITHM, _SELECTOR = (re.compile(_TAG % name) for name in (b"a", b"s"))

TxtLookup = Callable[[str], bytes | None]
"""The joined TXT strings at a name, None when there are none. What it raises, verifying raises."""


def verify(raw: bytes, lookup: TxtLookup) -> dict[str, bool]:
    """Whether each signature of a message verifies, by key type (`rsa`, `ed25519`).

    Of two signatures with one key type both must verify. A signature that can't be evaluated does not verify.
    """
    found: dict[str, bool] = {}
    for signature, right in _each(raw, lookup):
        kind = _value(_ALGORITHM, signature).partition("-")[0]
        found[kind] = found.get(kind, True) and right
    return found


def by_selector(raw: bytes, lookup: TxtLookup) -> dict[str, bool]:
    """The same by selector (`s=`)."""
    found: dict[str, bool] = {}
    for signature, right in _each(raw, lookup):
        selector = _value(_SELECTOR, signature)
        found[selector] = found.get(selector, True) and right
    return found


def _each(raw: bytes, lookup: TxtLookup) -> Iterator[tuple[bytes, bool]]:
    checker = dkim.DKIM(raw)
    signatures = [value for name, value in checker.headers if name.lower() == b"dkim-signature"]
    for index, signature in enumerate(signatures):
        try:
            right = bool(checker.verify(idx=index, dnsfunc=lambda name, timeout=5: _ask(lookup, name)))
        except dkim.DKIMException:
            right = False
        yield signature, right


def _value(pattern: re.Pattern[bytes], signature: bytes) -> str:
    named = pattern.search(signature)
    return named[1].decode(errors="replace") if named else "unknown"


def _ask(lookup: TxtLookup, name: bytes | str) -> bytes | None:
    return lookup((name.decode() if isinstance(name, bytes) else name).rstrip("."))
