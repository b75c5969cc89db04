"""Whether a zone's servers do their work: all there, responsible, of one mind, and DNSSEC unbroken."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.core.answers import Answer, Dns, Outcome
from provisioner.core.checks.records import unknown
from provisioner.core.findings import Finding, Status

LONGEST_TTL = 2 * 86_400
"""Seconds; what lives longer than two days in caches makes every correction wait."""

_LAME = {Outcome.LAME, Outcome.REFUSED}


async def check_zone(domain: str, dns: Dns) -> list[Finding]:
    """One finding for each server of the zone that a domain is in that is out of order, else one for all."""
    answers = await dns.ask_all(domain, "SOA")
    # A name inside a zone has no SOA of its own, but those who say so tell whose it is.
    apex = next((answer.zone for answer in answers if answer.outcome is Outcome.NO_DATA and answer.zone), "")
    if apex and apex != domain:
        domain, answers = apex, await dns.ask_all(apex, "SOA")
    found = [_server(domain, answer) for answer in answers if not answer.certain]
    good = [answer for answer in answers if answer.certain]
    minds: dict[str, list[str]] = {}
    for answer in good:
        has = f"serial {answer.values[0].split()[2]}" if answer.values else answer.outcome.value
        minds.setdefault(has, []).append(answer.server)
    if len(minds) > 1:
        seen = "; ".join(f"{has} at {', '.join(servers)}" for has, servers in minds.items())
        fix = "Have its servers transfer the zone: some answer from an old one"
        found.append(Finding("zone", domain, Status.WARN, seen, "", fix))
    if good and all(answer.outcome is Outcome.NO_SUCH_NAME for answer in good):
        fix = "Register it, or have its registry delegate it again"
        found.append(Finding("zone", domain, Status.FAIL, "the domain is not in DNS", good[0].server, fix))
    if not found:
        names = ", ".join(answer.server for answer in good)
        found.append(Finding("zone", domain, Status.PASS, f"{names} agree" if len(good) > 1 else names))
    return found


def _server(domain: str, answer: Answer) -> Finding:
    if answer.outcome in _LAME:
        fix = f"Take it out of the NS records of {domain}, or have it serve the zone"
        return Finding("zone", domain, Status.FAIL, answer.seen, answer.server, fix)
    return unknown("zone", domain, answer)


def check_ttl(answers: Iterable[Answer]) -> list[Finding]:
    """A warning for each name and type whose records live in caches longer than two days."""
    longest: dict[str, Answer] = {}
    for answer in answers:
        what = f"{answer.name} {answer.type}"
        if answer.ttl > max(LONGEST_TTL, longest[what].ttl if what in longest else 0):
            longest[what] = answer
    return [_long(what, answer) for what, answer in longest.items()]


def _long(what: str, answer: Answer) -> Finding:
    seen = f"{answer.ttl} s: a correction takes {answer.ttl / 86_400:.1f} days to be seen"
    fix = f"Lower it to a day at most: {what}"
    return Finding("ttl", what, Status.WARN, seen, answer.server, fix, f"at most {LONGEST_TTL} s")
