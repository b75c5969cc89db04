"""Whether an egress address has a name that leads back to it, as the server behind it says in HELO."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from provisioner.core.answers import Answer, Dns, settled
from provisioner.core.checks.records import unknown
from provisioner.core.dmarc import organisational
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Address

_OF_MANY = re.compile(
    r"(^|[.\-_\d])(dyn|dynamic|dhcp|dial-?up|ppp|pppoe|pool|[axv]?dsl|cable|broadband|customers?|clients?|unassigned)"
    r"($|[.\-_\d])"
)


async def check_egress(address: Address, helo: str, dns: Dns) -> list[Finding]:
    """Forward-confirmed reverse DNS (RFC 8601 2.7.3) of an address, whose server says `helo`."""
    found: list[Finding] = []
    for answer in settled(await dns.ask_all(address.reverse_pointer, "PTR")):
        found.append(await _reverse(address, helo, answer, dns))
    return [*found, await _helo(address, helo, dns)]


async def _reverse(address: Address, helo: str, answer: Answer, dns: Dns) -> Finding:
    subject, kind = str(address), "A" if address.version == 4 else "AAAA"
    if not answer.certain:
        return unknown("ptr", subject, answer, helo)
    back = {name: await dns.ask(name, kind) for name in answer.values}
    leading = [name for name, forward in back.items() if str(address) in forward.values]
    lost = next((forward for forward in back.values() if not forward.certain), None)
    if lost is not None and not leading:
        return unknown("ptr", subject, lost, helo)
    status, seen, fix = _judge(address, helo, answer, back, leading)
    return Finding("ptr", subject, status, seen, answer.server, fix, helo)


def _judge(
    address: Address, helo: str, answer: Answer, back: Mapping[str, Answer], leading: Sequence[str]
) -> tuple[Status, str, str]:
    set_it = f"Have whoever gave the address set its PTR to {helo}"
    if not back:
        return Status.FAIL, f"no PTR ({answer.seen})", set_it
    if not leading:
        ways = "; ".join(f"{name} leads to {forward.seen}" for name, forward in back.items())
        return Status.FAIL, f"its name does not lead back: {ways}", f"{set_it}, and {helo} to {address}"
    if helo not in leading:
        return Status.FAIL, f"{', '.join(leading)}, but the server says {helo} in HELO", set_it
    if _generic(helo, address):
        fix = "Give the server a name that tells its purpose: receivers take such names for dial-up lines"
        return Status.FAIL, f"{helo} looks like one of many", fix
    if len(answer.values) > 1:
        return Status.WARN, f"several names: {answer.seen}", f"Keep {helo} alone: some look at the first only"
    return Status.PASS, f"{helo} and back", ""


async def _helo(address: Address, helo: str, dns: Dns) -> Finding:
    kind = "A" if address.version == 4 else "AAAA"
    answer = await dns.ask(helo, kind)
    if not answer.certain:
        return unknown("helo", helo, answer, str(address))
    if str(address) in answer.values:
        return Finding("helo", helo, Status.PASS, f"leads to {address}", answer.server, "", str(address))
    fix = f"Set {helo} {kind} to {address}: receivers compare them"
    return Finding("helo", helo, Status.FAIL, answer.seen, answer.server, fix, str(address))


def _generic(name: str, address: Address) -> bool:
    """Whether a name looks as providers give them to lines: its address in it, or a word for such lines."""
    host = name.lower().partition(".")[0]
    if address.version == 4:
        octets = str(address).split(".")
        numbers = re.findall(r"\d+", host)
        hexadecimal = "".join(f"{int(octet):02x}" for octet in octets)
        if (
            any(sorted(numbers[start : start + 4]) == sorted(octets) for start in range(len(numbers) - 3))
            or hexadecimal in host
            or "".join(f"{int(o):03}" for o in octets) in host
        ):
            return True
    elif address.exploded.replace(":", "")[-16:] in host.replace("-", ""):
        return True
    # Who registered the name may be called anything: pool.it, client-services.com.
    below = name.lower().removesuffix(organisational(name.lower()))
    return _OF_MANY.search(below) is not None
