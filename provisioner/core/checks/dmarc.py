"""Whether a domain has one DMARC record, its own or its organisation's, and its reports find their way."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.core.answers import Answer, Dns, settled
from provisioner.core.checks.records import unknown
from provisioner.core.dmarc import (
    DmarcError,
    DmarcPolicy,
    governing,
    is_dmarc,
    is_suffix,
    names_above,
    organisational,
    parse,
    suffix_flag,
)
from provisioner.core.findings import Finding, Status
from provisioner.core.names import is_within
from provisioner.core.records import Record


@dataclass(frozen=True)
class Dmarc:
    """What was found, and the policy that receivers go by; None: there is none that counts."""

    findings: tuple[Finding, ...]
    policy: DmarcPolicy | None = None


async def check_dmarc(wanted: Record, domain: str, dns: Dns) -> Dmarc:
    """Each server's record of the domain, else of its organisational domain (RFC 7489 6.6.3).

    Receivers that go by RFC 9989 find it by another way, which is looked at where it may lead elsewhere.
    """
    answers = settled(await dns.ask_all(wanted.name, "TXT"))
    deciding = [await _deciding(domain, answer, dns) for answer in answers]
    judged = [_judge(wanted, own, answer) for own, answer in zip(answers, deciding, strict=True)]
    findings = [finding for finding, _ in judged]
    owners = [_owner(answer) for answer in deciding]
    policies = [(owner, policy) for owner, (_, policy) in zip(owners, judged, strict=True) if policy]
    abroad = dict.fromkeys(
        (owner, target)
        for owner, policy in policies
        for target in (*policy.reports, *policy.failures)
        if _foreign(owner, target)
    )
    findings += [await _consent(owner, target, dns) for owner, target in abroad]
    inherited = next((each for each in deciding if each.certain and each.name != wanted.name), None)
    if inherited is not None:
        findings += await _second_look(wanted, domain, inherited, dns)
    return Dmarc(tuple(findings), policies[0][1] if policies else None)


async def _deciding(domain: str, answer: Answer, dns: Dns) -> Answer:
    """The answer that receivers go by: the domain's own, or without a record there its organisation's."""
    above = organisational(domain)
    if not answer.certain or _records(answer) or above == domain:
        return answer
    return await dns.ask(f"_dmarc.{above}", "TXT")


def _judge(wanted: Record, own: Answer, answer: Answer) -> tuple[Finding, DmarcPolicy | None]:
    if not answer.certain:
        return unknown("dmarc", wanted.name, answer, wanted.value), None
    publish = f'Publish: {wanted.name} TXT "{wanted.value}"'

    def finding(status: Status, seen: str, fix: str = "") -> Finding:
        return Finding("dmarc", wanted.name, status, seen, answer.server, fix, wanted.value)

    records = _records(answer)
    if not records:
        near = [value for value in own.values if "dmarc" in value.lower()]
        seen = f"no DMARC record, though: {' | '.join(near)}" if near else "no DMARC record"
        return finding(Status.FAIL, seen, publish), None
    if len(records) > 1:
        fix = f"Keep one record, receivers ignore several. {publish}"
        return finding(Status.FAIL, " | ".join(records), fix), None
    policy = _parsed(records[0])
    if isinstance(policy, DmarcError):
        return finding(Status.FAIL, f"{records[0]}: {policy}", publish), None
    inherited = answer.name != wanted.name
    seen = f"{records[0]} (from {answer.name})" if inherited else records[0]
    status, fix = Status.PASS, ""
    flaws = policy.flaws
    if suffix_flag(records[0]) == "y" and not is_suffix(_owner(answer)):
        flaws += ("psd=y: by RFC 9989 every name below is another organisation",)
    if flaws:
        status, fix = Status.WARN, "Correct what receivers overlook"
        seen = f"{seen}: {'; '.join(flaws)}"
    elif not policy.reports:
        status = Status.WARN
        fix = "Add rua=mailto:… to get reports of who sends in this domain's name"
    return finding(status, seen, fix), policy


async def _second_look(wanted: Record, domain: str, inherited: Answer, dns: Dns) -> list[Finding]:
    """A warning where another record counts by RFC 9989 4.10 than the organisational domain's.

    inherited: what that domain has. Silence says nothing here: receivers go by RFC 7489 as well, and what
    these find has been told.
    """
    found: dict[str, str] = {}
    for name in names_above(domain):
        answer = await dns.ask(f"_dmarc.{name}", "TXT")
        if not answer.certain:
            return []
        # Several count as none, and others are looked for above them.
        if len(records := _records(answer)) == 1:
            found[name] = records[0]
            if suffix_flag(records[0]) != "u":
                break
    newer, records = governing(found), _records(inherited)
    older = _owner(inherited) if len(records) == 1 else None
    if newer == older:
        return []
    by_newer = f"{found[newer]} (from _dmarc.{newer})" if newer else "none"
    by_older = f"{records[0]} (from {inherited.name})" if older else "none"
    seen = f"receivers may disagree whose record counts: by RFC 9989 {by_newer}; by RFC 7489 {by_older}"
    fix = f"Publish a record at {wanted.name}: all take a domain's own"
    return [Finding("dmarc", wanted.name, Status.WARN, seen, inherited.server, fix, wanted.value)]


def _records(answer: Answer) -> list[str]:
    return [value for value in answer.values if is_dmarc(value)]


def _owner(answer: Answer) -> str:
    return answer.name.removeprefix("_dmarc.")


def _parsed(text: str) -> DmarcPolicy | DmarcError:
    try:
        return parse(text)
    except DmarcError as error:
        return error


def _foreign(domain: str, target: str) -> bool:
    return organisational(target) != organisational(domain) and not is_within(target, domain)


async def _consent(domain: str, target: str, dns: Dns) -> Finding:
    """Whether another domain takes the reports that the record of this one wants sent there.

    domain: where the record was found, not one that inherits it (RFC 7489 7.1).
    """
    name = f"{domain}._report._dmarc.{target}"
    answer = await dns.ask(name, "TXT")
    if not answer.certain:
        return unknown("dmarc-reports", domain, answer)
    if any(map(is_dmarc, answer.values)):
        return Finding("dmarc-reports", domain, Status.PASS, f"{target} takes them", answer.server)
    fix = f'{target} has to publish: {name} TXT "v=DMARC1"; else reports go to a mailbox in {domain}'
    seen = f"{target} does not say that it takes reports about {domain}: {answer.seen}"
    return Finding("dmarc-reports", domain, Status.FAIL, seen, answer.server, fix, "v=DMARC1")
