"""Whether a domain has one SPF record, which lets the fleet send."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from provisioner.core.answers import Answer, Dns, settled
from provisioner.core.checks.records import unknown
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Address
from provisioner.core.records import Record, Zone
from provisioner.core.spf import MAX_LOOKUPS, SpfResult, SpfSyntaxError, SpfVerdict, evaluate, is_spf, parse

_NOBODY = IPv4Address("240.0.0.1")
"""An address that no host can have (RFC 1112 4): a domain that lets it send lets anyone send."""

_NEARLY = MAX_LOOKUPS - 1
_WAIT = "Ask again later; nothing is known to be wrong yet"


async def check_spf(wanted: Record, addresses: Sequence[Address], dns: Dns) -> list[Finding]:
    """Whether each server has one SPF record, and the domain lets every egress address of the fleet send."""
    answers = settled(await dns.ask_all(wanted.name, "TXT"))
    found = [finding for answer in answers if (finding := _one_record(wanted, answer))]
    if any(finding.status is Status.FAIL for finding in found) or not any(
        answer.certain for answer in answers
    ):
        return found
    stranger = await evaluate(dns.ask, wanted.name, _NOBODY)
    if stranger.result is SpfResult.PASS:
        return [
            *found,
            _finding(wanted, Status.FAIL, "it lets anyone send (+all)", _instead(wanted), stranger),
        ]
    verdicts = [(address, await evaluate(dns.ask, wanted.name, address)) for address in addresses]
    refused: dict[tuple[SpfResult, str], list[tuple[Address, SpfVerdict]]] = {}
    for address, each in verdicts:
        if each.result is not SpfResult.PASS:
            refused.setdefault((each.result, each.reason), []).append((address, each))
    found += [_refused(wanted, [str(a) for a, _ in alike], alike[0][1]) for alike in refused.values()]
    good = [(address, each) for address, each in verdicts if each.result is SpfResult.PASS]
    return [*found, *_passed(wanted, good, stranger, answers)] if good else found


def _one_record(wanted: Record, answer: Answer) -> Finding | None:
    if not answer.certain:
        return unknown("spf", wanted.name, answer)
    records = [value for value in answer.values if is_spf(value)]
    if len(records) == 1:
        return None
    if not records:
        near = [value for value in answer.values if "spf" in value.lower()]
        seen = f"no SPF record, though: {' | '.join(near)}" if near else "no SPF record"
        fix = f'Publish: {wanted.name} TXT "{wanted.value}"'
        return Finding("spf", wanted.name, Status.FAIL, seen, answer.server, fix, wanted.value)
    fix = f"Merge them into one: receivers take none of several (RFC 7208 4.5). {wanted.note}".strip()
    return Finding("spf", wanted.name, Status.FAIL, " | ".join(records), answer.server, fix, wanted.value)


def _refused(wanted: Record, addresses: Sequence[str], verdict: SpfVerdict) -> Finding:
    seen = f"{verdict.result.value} for {', '.join(addresses)}: {verdict.reason}"
    if verdict.result is SpfResult.TEMPERROR:
        return _finding(wanted, Status.UNKNOWN, seen, _WAIT, verdict)
    if verdict.result is SpfResult.PERMERROR:
        return _finding(wanted, Status.FAIL, seen, f"Correct the record. {_instead(wanted)}", verdict)
    if wanted.zone is Zone.OPERATOR:
        return _finding(wanted, Status.FAIL, seen, "Run: provisioner dns publish --fleet", verdict)
    return _finding(wanted, Status.FAIL, seen, f"{wanted.note}; it has to come before the final all", verdict)


def _passed(
    wanted: Record,
    good: Sequence[tuple[Address, SpfVerdict]],
    stranger: SpfVerdict,
    answers: Sequence[Answer],
) -> list[Finding]:
    """What is to be said of a record that lets these addresses send. `stranger` went through all of it."""
    seen = f"pass for {', '.join(str(address) for address, _ in good)}"
    trace = good[0][1]
    if stranger.result is SpfResult.TEMPERROR:
        return [_finding(wanted, Status.UNKNOWN, f"{seen}, but: {stranger.reason}", _WAIT, stranger)]
    if stranger.result is SpfResult.PERMERROR:
        fix = "Have the record need fewer lookups: receivers that read all of it refuse it"
        return [
            _finding(
                wanted, Status.FAIL, f"{seen}, but permerror for others: {stranger.reason}", fix, stranger
            )
        ]
    flaws = _flaws(next(v for a in answers for v in a.values if is_spf(v)), stranger)
    if flaws:
        return [_finding(wanted, Status.WARN, f"{seen}; {'; '.join(flaws)}", _instead(wanted), trace)]
    cost = f" with {stranger.lookups} of {MAX_LOOKUPS} lookups" if stranger.lookups else ""
    return [_finding(wanted, Status.PASS, f"{seen}{cost}", "", trace)]


def _flaws(text: str, stranger: SpfVerdict) -> list[str]:
    try:
        record = parse(text)
    except SpfSyntaxError:  # pragma: no cover - it was evaluated
        return []
    flaws = []
    if any(mechanism.kind == "ptr" for mechanism in record.mechanisms):
        flaws.append("ptr is slow and unreliable, and receivers skip it (RFC 7208 5.5)")
    if stranger.result is SpfResult.NEUTRAL:
        flaws.append("it says nothing of others: end it with ~all or -all")
    if stranger.lookups >= _NEARLY:
        flaws.append(f"it needs {stranger.lookups} of {MAX_LOOKUPS} lookups: one more include breaks it")
    return flaws


def _instead(wanted: Record) -> str:
    return f'Publish instead: {wanted.name} TXT "{wanted.value}"'


def _finding(wanted: Record, status: Status, seen: str, fix: str, verdict: SpfVerdict) -> Finding:
    return Finding("spf", wanted.name, status, seen, "", fix, wanted.value, verdict.trace)
