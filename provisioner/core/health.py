"""How the hosts of a fleet are, from what each says of itself. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

SERVICES: Mapping[str, tuple[str, ...]] = {
    "loadbalancers": ("haproxy.service", "keepalived.service"),
    "frontends": ("postfix.service", "dovecot.service", "haproxy.service", "provisioner-quota.service"),
    "backends": ("postfix.service", "rspamd.service", "unbound.service", "provisioner-bounces.service"),
    "state": ("valkey-server.service",),
    "nameservers": ("knot.service",),
    "world": ("postfix.service", "rspamd.service", "unbound.service"),
}
"""What has to run on a host of each group, besides the packet filter."""

EVERYWHERE = ("nftables.service",)

REPLICATED_STORES = 3
"""So many counter stores, or more, replace each other."""

SENTINEL = "valkey-sentinel.service"
"""What decides which of them counts."""

CERTIFICATE_WARNING = 14
"""Days: `deploy` renews at 30, so fewer than this means that nobody deployed for long."""

DISK_WARNING = 90
"""Percent of the disk in use."""

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
"""Postfix's queues, in the order of a message's life (QSHAPE_README)."""


def expected_services(groups: Collection[str], stores: int = 1) -> tuple[str, ...]:
    """The units that have to be active on a host of these groups, in a fleet with so many counter stores."""
    units = [unit for group in sorted(groups) for unit in SERVICES.get(group, ())]
    if "state" in groups and stores >= REPLICATED_STORES:
        units.append(SENTINEL)
    return tuple(dict.fromkeys((*units, *EVERYWHERE)))


@dataclass(frozen=True)
class HostHealth:
    """One host, as it says of itself; `silent` holds the reason when it said nothing.

    services: unit → systemd's active state. queues: messages by queue, empty on hosts without Postfix.
    certificate, certificate_days: the file that ends first, and in how many days; None without the fleet
    certificate. disk: percent in use. bundle: the tenants, None where there is none.
    """

    name: str
    groups: tuple[str, ...]
    services: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, int] = field(default_factory=dict)
    certificate: str = "host.crt"
    certificate_days: int | None = None
    disk: int | None = None
    bundle: str | None = None
    holds_address: bool = False
    silent: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with it, for people; empty when it is well."""
        if self.silent:
            return (f"no answer: {self.silent}",)
        wrong = [f"{unit} is {state}" for unit, state in self.services.items() if state != "active"]
        if self.certificate_days is None:
            wrong.append("no fleet certificate")
        elif self.certificate_days < CERTIFICATE_WARNING:
            wrong.append(f"certificate {self.certificate} ends in {self.certificate_days} days")
        if self.disk is not None and self.disk >= DISK_WARNING:
            wrong.append(f"disk {self.disk} % full")
        return tuple(wrong)


def fleet_faults(hosts: Iterable[HostHealth], bundle: str) -> dict[str, tuple[str, ...]]:
    """Faults by host, those too that only show beside the inventory: a tenant bundle other than `bundle`."""
    found = {}
    for host in hosts:
        stale = not host.silent and "tenants" in _roles(host) and host.bundle != bundle
        extra = (f"tenant bundle {host.bundle or 'missing'}, not {bundle}",) if stale else ()
        found[host.name] = (*host.faults, *extra)
    return found


def _roles(host: HostHealth) -> set[str]:
    return {"tenants"} if {"frontends", "backends"} & set(host.groups) else set()
