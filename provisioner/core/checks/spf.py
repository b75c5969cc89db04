"""Whether a domain has one SPF record, which lets the fleet send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from provisioner.core.answers import Answer, Dns, settled
from provisioner.core.checks.records import unknown
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Address
from provisioner.core.records import Record, Zone
from provisioner.core.spf import MAX_LOOKUPS, SpfResult, SpfVerdict, evaluate, is_spf, with_answer

_NOBODY: dict[Address, str] = {
    IPv4Address("240.0.0.1"): "it lets anyone send (+all)",
    IPv6Address("3fff::1"): "it lets anyone send over IPv6",
}
"""Addresses that no host can have (RFC 1112 4, RFC 9637): a domain that lets one send lets anyone send."""

_NEARLY = MAX_LOOKUPS - 1
_WAIT = "Ask again later; nothing is known to be wrong yet"


async def check_spf(wanted: Record, addresses: Sequence[Address], dns: Dns) -> list[Finding]:
    """Whether each server has one SPF record, and that lets every egress address of the fleet send."""
    answers = settled(await dns.ask_all(wanted.name, "TXT"))
    found = [finding for answer in answers if (finding := _one_record(wanted, answer))]
    alike: dict[str, list[Answer]] = {}
    for answer in answers:
        records = _records(answer)
        if answer.certain and len(records) == 1:
            alike.setdefault(records[0], []).append(answer)
    for same in alike.values():
        server = "; ".join(answer.server for answer in same)
        found += [replace(each, server=server) for each in await _judge(wanted, same[0], addresses, dns)]
    return found


async def _judge(wanted: Record, answer: Answer, addresses: Sequence[Address], dns: Dns) -> list[Finding]:
    """What comes of the record that some of the servers have."""
    ask = with_answer(dns.ask, answer)
    strangers = {nobody: await evaluate(ask, wanted.name, nobody) for nobody in _NOBODY}
    for nobody, verdict in strangers.items():
        if verdict.result is SpfResult.PASS:
            return [_finding(wanted, Status.FAIL, _NOBODY[nobody], _instead(wanted), verdict)]
    verdicts = [(address, await evaluate(ask, wanted.name, address)) for address in addresses]
    refused: dict[tuple[SpfResult, str], list[tuple[Address, SpfVerdict]]] = {}
    for address, each in verdicts:
        if each.result is not SpfResult.PASS:
            refused.setdefault((each.result, each.reason), []).append((address, each))
    found = [_refused(wanted, [str(a) for a, _ in same], same[0][1]) for same in refused.values()]
    good = [(address, each) for address, each in verdicts if each.result is SpfResult.PASS]
    # Nobody hears from the fleet over a protocol that it does not send by.
    ours = {4, *(address.version for address in addresses)}
    readers = [verdict for nobody, verdict in strangers.items() if nobody.version in ours]
    return [*found, *_passed(wanted, good, readers)] if good else found


def _records(answer: Answer) -> list[str]:
    return [value for value in answer.values if is_spf(value)]


def _one_record(wanted: Record, answer: Answer) -> Finding | None:
    if not answer.certain:
        return unknown("spf", wanted.name, answer, wanted.value)
    records = _records(answer)
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
    wanted: Record, good: Sequence[tuple[Address, SpfVerdict]], readers: Sequence[SpfVerdict]
) -> list[Finding]:
    """What is to be said of a record that lets these addresses send. `readers` went through all of it."""
    seen = f"pass for {', '.join(str(address) for address, _ in good)}"
    trace = good[0][1]
    for verdict in readers:
        if verdict.result is SpfResult.TEMPERROR:
            return [_finding(wanted, Status.UNKNOWN, f"{seen}, but: {verdict.reason}", _WAIT, verdict)]
        if verdict.result is SpfResult.PERMERROR:
            fix = "Have the record need fewer lookups: receivers that read all of it refuse it"
            told = f"{seen}, but permerror for others: {verdict.reason}"
            return [_finding(wanted, Status.FAIL, told, fix, verdict)]
    lookups = max(verdict.lookups for verdict in readers)
    flaws = _flaws(readers, lookups)
    if flaws:
        return [_finding(wanted, Status.WARN, f"{seen}; {'; '.join(flaws)}", _instead(wanted), trace)]
    cost = f" with {lookups} of {MAX_LOOKUPS} lookups" if lookups else ""
    return [_finding(wanted, Status.PASS, f"{seen}{cost}", "", trace)]


def _flaws(readers: Sequence[SpfVerdict], lookups: int) -> list[str]:
    flaws = []
    if any("ptr" in verdict.kinds for verdict in readers):
        flaws.append("ptr is slow and unreliable, and receivers skip it (RFC 7208 5.5)")
    if any(verdict.result is SpfResult.NEUTRAL for verdict in readers):
        flaws.append("it says nothing of others: end it with ~all or -all")
    if lookups >= _NEARLY:
        flaws.append(f"it needs {lookups} of {MAX_LOOKUPS} lookups: one more include breaks it")
    return flaws


def _instead(wanted: Record) -> str:
    return f'Publish instead: {wanted.name} TXT "{wanted.value}"'


def _finding(wanted: Record, status: Status, seen: str, fix: str, verdict: SpfVerdict) -> Finding:
    return Finding("spf", wanted.name, status, seen, "", fix, wanted.value, verdict.trace)
