"""Whether an address is on a DNS blocklist (RFC 5782)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from provisioner.core.answers import Dns, Outcome
from provisioner.core.checks.records import unknown
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Address

_EXPECTED = "not listed"
_LISTED = ip_network("127.0.0.0/16")
_REFUSED = ip_network("127.255.255.0/24")
"""What Spamhaus and others answer to those whose questions they do not take."""


async def check_blocklist(address: Address, blocklist: str, dns: Dns) -> Finding:
    """Whether a list has the address; a refused question, or nonsense in answer, is doubt."""
    reverse = address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    name, subject = f"{reverse}.{blocklist}", f"{address} {blocklist}"
    answer = await dns.ask(name, "A")

    def finding(status: Status, seen: str, fix: str = "") -> Finding:
        return Finding("dnsbl", subject, status, seen, answer.server, fix, _EXPECTED)

    if not answer.certain:
        return unknown("dnsbl", subject, answer, _EXPECTED)
    if answer.outcome is not Outcome.FOUND:
        return finding(Status.PASS, _EXPECTED)
    codes = [ip_address(value) for value in answer.values]
    if any(code in _REFUSED for code in codes):
        fix = "Ask through a resolver of your own, or with a key of the list's owner"
        return finding(Status.UNKNOWN, f"the list refuses to say: {answer.seen}", fix)
    if not any(code in _LISTED for code in codes):
        fix = "See whether the list still exists; one that is gone may answer anything"
        return finding(Status.UNKNOWN, f"no answer of a blocklist: {answer.seen}", fix)
    why = await dns.ask(name, "TXT")
    reason = f" ({' | '.join(why.values)})" if why.values else ""
    fix = f"Find out why, end it, then ask {blocklist} to remove {address}"
    return finding(Status.FAIL, f"listed: {answer.seen}{reason}", fix)
