"""The fleet as the inventory describes it: settings, hosts, and everything together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from provisioner.core.customers import Account, Customer, TimeZone
from provisioner.core.dem import DemServer
from provisioner.core.dkim import DkimKey
from provisioner.core.inbound_tls import MtaSts
from provisioner.core.names import DnsName, Domain, Duration, Email, Slug
from provisioner.core.plans import SHIPPED, Plan

FLEET_GROUPS = ("loadbalancers", "frontends", "backends", "state", "dem")
"""Groups that have a role in every fleet."""

LAB_GROUPS = ("nameservers", "world")
"""Groups that only a lab has: what surrounds the fleet."""

Address = IPv4Address | IPv6Address


def _only_text(value: object) -> object:
    # ipaddress takes an integer for an address: 10 would become 0.0.0.10.
    if not isinstance(value, str | IPv4Address | IPv6Address):
        raise ValueError(f"{value!r} is not an IP address")
    return value


StrictAddress = Annotated[Address, BeforeValidator(_only_text)]


class FleetSettings(BaseModel):
    """`group_vars/all/fleet.yml`: in the file each key has the prefix `fleet_`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: f"fleet_{name}", populate_by_name=True
    )

    name: Slug
    domain: Domain
    submission_name: Domain
    virtual_address: StrictAddress
    bounce_domain: Domain
    spf_name: DnsName
    dkim_zone: DnsName
    postmaster: Email
    message_size_limit: int = Field(default=26_214_400, ge=65_536, strict=True)
    recipient_limit: int = Field(default=100, ge=1, le=50_000, strict=True)
    notices_from: Email | None = None
    tls_reports: Email | None = None
    mta_sts: MtaSts = "none"
    time_zone: TimeZone = "UTC"
    without_counters: Literal["defer", "accept"] = "accept"
    queue_lifetime: Duration = timedelta(days=5)
    dkim_age: Duration | None = timedelta(days=180)
    dkim_retirement: Duration = timedelta(days=14)
    dkim_rsa_bits: Literal[2048, 3072, 4096] = 2048
    dns_primary: StrictAddress | None = None
    dns_resolver: StrictAddress | None = None
    blocklists: tuple[Domain, ...] = ()
    dns_ttl: int = Field(default=3600, ge=1, le=604_800, strict=True)
    dns_tsig_name: str = Field(default="provisioner", pattern=r"^[A-Za-z0-9_.-]+$")
    dns_tsig_algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"


@dataclass(frozen=True)
class Connection:
    """How a host is reached over SSH, as Ansible's variables say. None: the SSH client's own default.

    proxy_command, proxy_jump: the way there as ssh_config(5) has it, one of the two; neither: straight.
    """

    user: str | None = None
    port: int = 22
    private_key: str | None = None
    known_hosts: str | None = None
    proxy_command: str | None = None
    proxy_jump: str | None = None


@dataclass(frozen=True)
class Host:
    """One host of the inventory.

    address: where SSH and the fleet's own traffic reach it.
    egress_addresses: what the world sees mail come from; the address itself unless the inventory says more.
    egress_pools: names of plans' pools, each with the one of these addresses that its mail leaves from.
    """

    name: str
    address: Address
    groups: frozenset[str]
    egress_addresses: tuple[Address, ...] = ()
    egress_pools: tuple[tuple[str, Address], ...] = ()
    connection: Connection = field(default=Connection())

    @property
    def in_fleet(self) -> bool:
        """Whether it is a part of the fleet, rather than of what surrounds a lab."""
        return not self.groups.isdisjoint(FLEET_GROUPS)


@dataclass(frozen=True)
class Inventory:
    """Everything an inventory directory says, valid as a whole."""

    path: PurePath
    settings: FleetSettings
    hosts: tuple[Host, ...]
    customers: tuple[Customer, ...] = ()
    keys: tuple[DkimKey, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=lambda: SHIPPED)
    dem: tuple[DemServer, ...] = ()

    def group(self, *names: str) -> tuple[Host, ...]:
        """The hosts in any of these groups, in the inventory's order."""
        return tuple(host for host in self.hosts if not host.groups.isdisjoint(names))

    def host(self, name: str) -> Host | None:
        """The host of that name."""
        return next((host for host in self.hosts if host.name == name), None)

    def fqdn(self, host: Host) -> str:
        """The host's full name: what it says in HELO, and what its PTR points to."""
        return f"{host.name}.{self.settings.domain}"

    def customer(self, name: str) -> Customer | None:
        """The customer of that name."""
        return next((customer for customer in self.customers if customer.name == name), None)

    def plan_of(self, customer: Customer, account: Account) -> Plan:
        """The plan that holds for an account: its own, else its customer's."""
        return self.plans[account.plan or customer.plan]

    def dem_server(self, customer: str) -> DemServer | None:
        """The list server of a customer."""
        return next((server for server in self.dem if server.customer == customer), None)

    def dem_host(self, login: str) -> Host | None:
        """The list server that logs in with an account; None for accounts of anything else."""
        found = next((server for server in self.dem if server.account == login), None)
        return self.host(found.host) if found else None

    def owner(self, domain: str) -> Customer | None:
        """The customer that a domain belongs to."""
        return self._owners.get(domain)

    def keys_of(self, domain: str) -> tuple[DkimKey, ...]:
        """The DKIM keys of a domain, whatever their state."""
        return self._keys_by_domain.get(domain, ())

    @cached_property
    def _owners(self) -> Mapping[str, Customer]:
        return {domain: customer for customer in self.customers for domain in customer.domains}

    @cached_property
    def _keys_by_domain(self) -> Mapping[str, tuple[DkimKey, ...]]:
        found: dict[str, list[DkimKey]] = {}
        for key in self.keys:
            found.setdefault(key.domain, []).append(key)
        return {domain: tuple(keys) for domain, keys in found.items()}

    @property
    def tenant_hosts(self) -> tuple[Host, ...]:
        """The hosts that take the tenant bundle."""
        return self.group("frontends", "backends")

    @property
    def egress_pools(self) -> frozenset[str]:
        """The pools that backends have besides "default"; none: all mail leaves from the same addresses."""
        return frozenset(name for host in self.group("backends") for name, _ in host.egress_pools)

    @property
    def egress_addresses(self) -> tuple[Address, ...]:
        """Every address that mail may leave the fleet from, sorted, IPv4 first."""
        found = {address for host in self.group("backends") for address in host.egress_addresses}
        return tuple(sorted(found, key=lambda address: (address.version, int(address))))
