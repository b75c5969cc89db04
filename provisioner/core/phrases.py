"""Sentences with holes, said in another language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

LITTLE = 10
"""Signs besides the holes."""

_HOLE = re.compile(r"\{(\d)\}")


class Phrases:
    """A table from sentences to those of another language; {0}, {1} … stand for what differs."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._whole = {english: said for english, said in table.items() if not _HOLE.search(english)}
        holed = [(english, said) for english, said in table.items() if _HOLE.search(english)]
        # What says more of itself goes first. What says little ("{0} for {1}") fits more than was meant: such
        # goes last, in the table's order.
        holed.sort(key=lambda pair: -max(len(_HOLE.sub("", pair[0])), LITTLE))
        self._holed = [(_pattern(english), said) for english, said in holed]
        self.say = lru_cache(maxsize=4096)(self._say)

    def _say(self, text: str) -> str:
        """The sentence in the other language, and so what fills its holes; as it is when it is not known."""
        if text in self._whole:
            return self._whole[text]
        for pattern, said in self._holed:
            if found := pattern.fullmatch(text):
                return said.format(*(self.say(part) for part in found.groups()))
        return text


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _HOLE.split(sentence)[::2]
    return re.compile("(.+?)".join(map(re.escape, parts)), re.DOTALL)
