"""The gate: nobody begins to send, or sends more, whose mail the big receivers would refuse."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from provisioner.core.findings import Finding, Status, worst

NOT_ACTIVE = "Not active yet: the DNS of its domains comes first"
"""What a customer reads that was added and not activated."""

_ABOUT_EGRESS = frozenset(
    {"ptr", "helo", "address", "dnsbl", "spf", "spf-helo", "bounce-mx", "zone", "dnssec", "time"}
)


class Gate(StrEnum):
    """How the gate stands: open; somebody has to decide, since something is unknown; closed."""

    OPEN = "open"
    ASK = "ask"
    CLOSED = "closed"


def gate(findings: Iterable[Finding]) -> Gate:
    """What findings mean for who wants to send: a warning is advice, doubt is for a person to weigh."""
    return {Status.FAIL: Gate.CLOSED, Status.UNKNOWN: Gate.ASK}.get(worst(findings), Gate.OPEN)


def of_egress(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of the fleet's findings that every customer's mail depends on."""
    return tuple(finding for finding in findings if finding.id in _ABOUT_EGRESS)
