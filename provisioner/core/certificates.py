"""The fleet's own certificates: whose names they carry, how long they live, when they are made anew. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioner.core.fleet import Host, Inventory

AUTHORITY_LIFE = timedelta(days=3652)
CERTIFICATE_LIFE = timedelta(days=398)
"""What browsers and operating systems accept at most (CA/Browser Forum baseline requirements 6.3.2)."""

RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class CertificateInfo:
    """What a certificate says: names and addresses as text, its end, whether the fleet's CA made it."""

    names: frozenset[str]
    not_after: datetime
    by_fleet: bool

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative afterwards."""
        return (self.not_after - now).days


def host_names(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """The names in a host's certificate: full name first, then the short one, its address, its web site."""
    sites = tuple(server.site for server in inventory.dem if server.host == host.name)
    return (inventory.fqdn(host), host.name, str(host.address), *sites)


def reissue_reason(info: CertificateInfo | None, names: tuple[str, ...], now: datetime) -> str:
    """Why a certificate has to be made, in words; empty when it is good as it is."""
    if info is None:
        return "there was none"
    if not info.by_fleet:
        return "it was made by another authority"
    if info.names != frozenset(names):
        return "its names changed"
    if info.not_after - now < RENEW_BEFORE:
        return f"{info.days_left(now)} days were left"
    return ""
