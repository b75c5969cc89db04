"""Whether a domain that writes can be written to: bounces and replies have somewhere to go."""

from __future__ import annotations

from ipaddress import ip_address

from provisioner.core.answers import Answer, Dns, Outcome, settled
from provisioner.core.checks.records import unknown
from provisioner.core.findings import Finding, Status, worst

_EXPECTED = "an MX that leads to an address"
_FIX = "Receivers refuse mail from a domain that takes none: set its MX to where its mail is read"


async def check_replies(domain: str, dns: Dns) -> list[Finding]:
    """Whether a domain takes mail: its MX, or without one its address (RFC 5321 5.1, RFC 7505)."""
    return [await _replies(domain, answer, dns) for answer in settled(await dns.ask_all(domain, "MX"))]


async def _replies(domain: str, answer: Answer, dns: Dns) -> Finding:
    if not answer.certain:
        return unknown("replies", domain, answer, _EXPECTED)
    if answer.outcome is not Outcome.FOUND:
        return await _without(domain, answer, dns)
    hosts = [value.partition(" ")[2].strip(" .") for value in answer.values]
    if "" in hosts:
        return _finding(domain, Status.FAIL, "a null MX: it takes no mail (RFC 7505)", answer, _FIX)
    ways = [await _host(host, dns) for host in hosts]
    status = worst(Finding("", "", each, "") for each, _ in ways)
    if any(each is Status.PASS for each, _ in ways) and status is Status.FAIL:
        status = Status.WARN
    seen = "; ".join(text for each, text in ways if each is status or status is Status.WARN)
    fix = (
        ""
        if status is Status.PASS
        else "Ask again later"
        if status is Status.UNKNOWN
        else f"Correct its MX. {_FIX}"
    )
    return _finding(domain, status, seen, answer, fix)


def _finding(domain: str, status: Status, seen: str, answer: Answer, fix: str) -> Finding:
    return Finding("replies", domain, status, seen, answer.server, fix, _EXPECTED)


async def _without(domain: str, answer: Answer, dns: Dns) -> Finding:
    """A domain with no MX takes mail at its address, if it has one."""
    for kind in ("A", "AAAA"):
        address = await dns.ask(domain, kind)
        if not address.certain:
            return unknown("replies", domain, address, _EXPECTED)
        if address.outcome is Outcome.FOUND:
            seen = f"no MX; mail goes to its address {address.seen}"
            return _finding(domain, Status.WARN, seen, answer, "Set an MX: some receivers want one")
    return _finding(domain, Status.FAIL, f"no MX and no address ({answer.seen})", answer, _FIX)


async def _host(host: str, dns: Dns) -> tuple[Status, str]:
    """How it stands with one host of an MX."""
    if _is_address(host):
        return Status.FAIL, f"MX {host} is an address, not a name"
    answers = [await dns.ask(host, kind) for kind in ("A", "AAAA")]
    found = [answer for answer in answers if answer.outcome is Outcome.FOUND]
    if found and found[0].chain:
        return Status.WARN, f"MX {host} is an alias of {found[0].chain[-1]}, which RFC 2181 10.3 forbids"
    if found:
        return Status.PASS, f"MX {host}"
    doubt = next((answer for answer in answers if not answer.certain), None)
    if doubt is not None:
        return Status.UNKNOWN, f"MX {host}: {doubt.seen}"
    return Status.FAIL, f"MX {host} has no address"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
