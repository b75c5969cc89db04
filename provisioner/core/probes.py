"""Probes of keys that sign: what is asked of each backend, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a probe came out. Doubt is neither: it was not sent, or DNS did not answer."""

    RIGHT = "verifies"
    WRONG = "does not verify"
    DOUBT = "not known"


@dataclass(frozen=True)
class ProbeAsk:
    """A message to have signed: the From: domain, an account that may use it, the selectors expected."""

    domain: str
    account: str
    selectors: frozenset[str]


@dataclass(frozen=True)
class Probed:
    """What came of one domain's probe through one backend.

    said: why, unless it is right; raw: the message as the backend signed it.
    """

    domain: str
    host: str
    verdict: Verdict
    said: str = ""
    raw: bytes = b""


def judge(probes: Iterable[Probed]) -> tuple[Verdict, str]:
    """All probes of one domain together, and in words: one that is wrong decides, then one in doubt."""
    found = tuple(probes)
    for verdict in (Verdict.WRONG, Verdict.DOUBT):
        bad = [each for each in found if each.verdict is verdict]
        if bad:
            return verdict, "; ".join(f"the probe through {each.host}: {each.said}" for each in bad)
    if not found:
        return Verdict.DOUBT, "no probe was sent: no account may use the domain, or there is no backend"
    return Verdict.RIGHT, f"probes through {', '.join(sorted(each.host for each in found))} verify"
