"""What all authoritative servers say of a slot's keys, taken together: doubt about one is about all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from provisioner.core.answers import Answer
from provisioner.core.checks import check_dkim
from provisioner.core.checks.dkim import publish_fix
from provisioner.core.checks.records import unknown
from provisioner.core.dkim import DkimKey, KeyState
from provisioner.core.findings import Finding, Status
from provisioner.core.key_slots import Dns, On, Seen
from provisioner.core.records import Record, Zone


@dataclass(frozen=True)
class Asked:
    """A key, what the customer publishes for it (`records.dkim_needed`), and what each server says.

    key: None for one that is still to be made.
    """

    key: DkimKey | None
    wanted: Record
    answers: Sequence[Answer]


def look(asked: Sequence[Asked], ttl: timedelta) -> Seen:
    """What was seen of the keys of one slot. ttl: the least for which resolvers may believe what was before.

    Revoked keys are as they ought to be where no server has them any more; all others where each server has
    exactly them; of those still to be made, only whether their names lead elsewhere is known.
    """
    ttl = max([ttl, *(timedelta(seconds=answer.ttl) for each in asked for answer in each.answers)])
    if said := next(filter(None, map(_elsewhere, asked)), ""):
        return Seen(Dns.ELSEWHERE, ttl, said=said, on=On.CUSTOMER)
    found = [finding for each in asked for finding in findings(each)]
    bad = [each for each in found if each.status not in {Status.PASS, Status.WARN}]
    if not found or not bad:
        word = "gone" if any(each.key and each.key.state is KeyState.REVOKED for each in asked) else "exact"
        names = sorted({each.server for each in found})
        return Seen(Dns.EXACT if found else Dns.DOUBT, ttl, said=f"{word} at {', '.join(names)}")
    first = next((each for each in bad if each.status is Status.FAIL), bad[0])
    said = f"{first.subject}: {first.seen} ({first.server})"
    if first.status is not Status.FAIL:
        return Seen(Dns.DOUBT, ttl, said=said, on=_whose_doubt(asked))
    # What 'provisioner' can run mends the operator's own DNS; all else is the customer's to publish.
    on = On.DNS if first.fix.startswith("Run:") else On.CUSTOMER
    return Seen(Dns.DIFFERENT, ttl, said=f"{said}. {first.fix}", on=on)


def _elsewhere(asked: Asked) -> str:
    """An alias that leads elsewhere, and what to do; empty when there is none, or nobody minds any more."""
    wanted = asked.wanted
    if wanted.type != "CNAME" or (asked.key and asked.key.state is KeyState.REVOKED):
        return ""
    strays = [each for each in asked.answers if each.chain and wanted.value not in each.chain]
    fix = f"Change it: {wanted.name} CNAME {wanted.value}"
    return f"{wanted.name}: {strays[0].seen} ({strays[0].server}). {fix}" if strays else ""


def _whose_doubt(asked: Sequence[Asked]) -> On:
    """Whose servers give no certain answer: the operator's, once the customer's have led there."""
    silent = [(each, answer) for each in asked for answer in each.answers if not answer.certain]
    ours = all(each.wanted.zone is Zone.OPERATOR or answer.chain for each, answer in silent)
    return On.DNS if ours else On.CUSTOMER


def findings(asked: Asked) -> list[Finding]:
    """What each server says of one key, judged: it has to be there exactly, or to be gone when revoked."""
    key = asked.key
    if key is None:
        return []
    if key.state is KeyState.REVOKED:
        return [_gone(key, asked.wanted, answer) for answer in asked.answers]
    return check_dkim(key, asked.wanted, asked.answers)


def _gone(key: DkimKey, wanted: Record, answer: Answer) -> Finding:
    """Whether verifiers that ask this server still get the key: in a record of whatever form."""
    if not answer.certain:
        return unknown("dkim", wanted.name, answer)
    public = "".join(key.public.split()).rstrip("=")
    if not any(public in "".join(value.split()) for value in answer.values):
        return Finding("dkim", wanted.name, Status.PASS, answer.seen, answer.server)
    owner = answer.chain[-1] if answer.chain else wanted.name
    fix = f"Remove the TXT record {owner}, or empty its p="
    if wanted.zone is Zone.OPERATOR:  # it has no customer any more
        fix = "Run: provisioner dns export, and bring that to the name server"
    elif wanted.type == "CNAME" and wanted.value == owner:
        fix = publish_fix(key.domain)
    seen = " → ".join([*answer.chain, "the revoked key is still there"])
    return Finding("dkim", wanted.name, Status.FAIL, seen, answer.server, fix)
