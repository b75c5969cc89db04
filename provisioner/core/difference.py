"""Where what was seen differs from what was expected, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Part:
    """A piece of what was seen; `odd`: it is not in what was expected."""

    text: str
    odd: bool = False


def difference(expected: str, seen: str) -> tuple[Part, ...]:
    """The seen text in pieces; one plain piece where little is alike, since marks would only confuse."""
    wanted, found = _words(expected), _words(seen)
    matcher = SequenceMatcher(None, wanted, found, autojunk=False)
    if not expected or matcher.ratio() < 0.3:
        return (Part(seen),)
    parts: list[Part] = []
    for kind, _, _, start, end in matcher.get_opcodes():
        if text := "".join(found[start:end]):
            parts.append(Part(text, kind != "equal"))
    return tuple(parts)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[\w.:/@=+~?-]+|.", text)
