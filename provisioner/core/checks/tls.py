"""Whether a port offers TLS with a certificate for its name (Google, Yahoo: TLS for all mail; RFC 8314)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioner.core.certificates import RENEW_BEFORE
from provisioner.core.findings import Finding, Status

_GOOD = ("TLSv1.2", "TLSv1.3")


@dataclass(frozen=True)
class TlsSeen:
    """What a client saw at a port.

    protocol: as `TLSv1.3`; empty: no TLS came about, and `error` says why. silent: there was no conversation.
    ends: of the certificate. by_fleet: only the fleet's own authority vouches for it.
    """

    address: str
    port: int
    protocol: str = ""
    ends: datetime | None = None
    by_fleet: bool = False
    error: str = ""
    silent: bool = False


def check_tls(name: str, seen: TlsSeen, now: datetime) -> Finding:
    """One port's finding; name: what the certificate has to be for."""
    subject = f"{name}:{seen.port}"
    status, told, fix = _judge(seen, now)
    return Finding("tls", subject, status, told, seen.address, fix)


def _judge(seen: TlsSeen, now: datetime) -> tuple[Status, str, str]:
    if seen.silent:
        return (
            Status.UNKNOWN,
            seen.error,
            "See with 'provisioner status' which hosts are well, then ask again",
        )
    if not seen.protocol:
        return Status.FAIL, seen.error, "Put a certificate for this name into the inventory, then deploy"
    told = seen.protocol
    if seen.protocol not in _GOOD:
        return Status.FAIL, told, "Have it speak TLS 1.2 at least: 'provisioner deploy'"
    if seen.ends is not None:
        left = (seen.ends - now).days
        told = f"{told}, certificate for {left} days more"
        if seen.ends - now < RENEW_BEFORE / 2:
            return (
                Status.WARN,
                told,
                "Renew the certificate: 'provisioner deploy' does so for the fleet's own",
            )
    if seen.by_fleet:
        told = f"{told}, made by the fleet's own authority, which others do not know"
        fix = "Put a public authority's certificate into the inventory: secrets/submission.crt and .key"
        return Status.WARN, told, fix
    return Status.PASS, told, ""
