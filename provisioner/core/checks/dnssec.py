"""Whether a signed zone verifies: where it does not, validating receivers find none of its records."""

from __future__ import annotations

from provisioner.core.answers import Chain, Dns
from provisioner.core.findings import Finding, Status

_STATUS = {
    Chain.UNSIGNED: Status.PASS,
    Chain.SIGNED: Status.PASS,
    Chain.ENDING: Status.WARN,
    Chain.BROKEN: Status.FAIL,
    Chain.UNKNOWN: Status.UNKNOWN,
}
_FIX = {
    Chain.ENDING: "Have whoever runs the zone see why it is not signed anew",
    Chain.BROKEN: "Have whoever runs the zone sign it anew, or take its DS records out of the zone above",
    Chain.UNKNOWN: "Ask again later; nothing is known to be wrong yet",
}


async def check_dnssec(domain: str, dns: Dns) -> list[Finding]:
    """One finding, of the zone that a domain is in. An unsigned zone is right: nobody insists on DNSSEC."""
    chain = await dns.dnssec(domain)
    fix = _FIX.get(chain.state, "")
    return [Finding("dnssec", chain.zone, _STATUS[chain.state], chain.seen, chain.server, fix)]
