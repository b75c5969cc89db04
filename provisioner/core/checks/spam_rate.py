"""Whether a domain's readers call its mail spam more than receivers bear."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.core.findings import Finding, Status
from provisioner.core.spam_rates import ALARM, TARGET


def check_spam_rate(domain: str, rates: Mapping[str, float]) -> Finding:
    """One finding; rates: by domain, as receivers tell them."""
    if domain not in rates:
        seen = "the data given does not have this domain"
        fix = "Verify the domain at postmaster.google.com; small senders have no data there"
        return Finding("spam-rate", domain, Status.UNKNOWN, seen, "", fix, f"below {TARGET:.1%}")
    rate = rates[domain]
    status = Status.PASS if rate < TARGET else Status.WARN if rate < ALARM else Status.FAIL
    fix = (
        ""
        if status is Status.PASS
        else "Have it write only to those who asked for it, and drop who never opens"
    )
    return Finding("spam-rate", domain, status, f"{rate:.2%}", "", fix, f"below {TARGET:.1%}")
