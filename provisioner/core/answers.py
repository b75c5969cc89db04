"""What DNS said to a question, with silence and refusal kept apart from "there is none"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """How a question ended."""

    FOUND = "found"
    NO_SUCH_NAME = "no such name"
    NO_DATA = "no such record"
    SERVER_FAILED = "server failed"
    REFUSED = "refused"
    TIMEOUT = "no answer"
    LAME = "not responsible for the zone (lame)"
    LOOP = "too many aliases, perhaps in a circle"
    MALFORMED = "answer not understood"


_CERTAIN = {Outcome.FOUND, Outcome.NO_SUCH_NAME, Outcome.NO_DATA}


@dataclass(frozen=True)
class Answer:
    """One server's answer to one question.

    values: presentation form, names without the final dot and in lower case, a TXT record's strings joined.
    chain: the CNAME targets on the way, in order. server: who was asked, for people.
    ttl: for how long caches may keep it, in seconds: the longest of the values and the aliases on the way.
    zone: the zone of the name, where the answer tells it by an SOA record; and negative: for how long caches
    may then keep that there is none (RFC 2308 5).
    """

    name: str
    type: str
    outcome: Outcome
    values: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    server: str = ""
    ttl: int = 0
    zone: str = ""
    negative: int = 0

    @property
    def certain(self) -> bool:
        """Whether this says something about the world, rather than about a server's health."""
        return self.outcome in _CERTAIN

    @property
    def seen(self) -> str:
        """What was seen, for people."""
        if self.outcome is Outcome.LOOP and self.chain:
            way = (self.name.lower(), *self.chain)
            if way[-1] in way[:-1]:
                return f"its CNAMEs go in a circle: {' → '.join(way)}"
        values = " | ".join(self.values) if self.outcome is Outcome.FOUND else self.outcome.value
        return " → ".join([*self.chain, values])


class Chain(StrEnum):
    """How it stands with DNSSEC: from the zone above to a zone's records."""

    UNSIGNED = "not signed"
    SIGNED = "signed, and verifies"
    ENDING = "signed, and about to end"
    BROKEN = "does not verify"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Dnssec:
    """How it stands with a zone, why, and at which of its servers."""

    zone: str
    state: Chain
    seen: str
    server: str = ""


Lookup = Callable[[str, str], Answer]
"""Ask for a name and a type, and get one answer."""

Ask = Callable[[str, str], Awaitable[Answer]]
"""The same, while others are asked."""


class Dns(Protocol):
    """DNS, asked while others are."""

    async def ask(self, name: str, kind: str, /) -> Answer:
        """One answer."""

    async def ask_all(self, name: str, kind: str, /) -> tuple[Answer, ...]:
        """The answer of every server that has authority over a name; at least one."""

    async def dnssec(self, name: str, /) -> Dnssec:
        """How it stands with the zone that a name is in; at the worst of its servers."""


def settled(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Those that say something; if none does, all. Who is out of order is told once, by `check_zone`."""
    every = tuple(answers)
    return tuple(answer for answer in every if answer.certain) or every
