"""The DNS records that fleet and customers need: one source for what is shown, published and verified."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from provisioner.core.customers import Customer, DkimRecords
from provisioner.core.dem import DemServer
from provisioner.core.dkim import Algorithm, DkimKey, KeyState
from provisioner.core.fleet import Address, FleetSettings, Host, Inventory
from provisioner.core.inbound_tls import policy_host, policy_text, reports_record, sts_record
from provisioner.core.names import is_within

FIRST_SLOT = 1
SLOTS = (1, 2, 3)
"""A domain's generations of keys: one that signs, one that retires, one that comes."""
PUBLISHED = frozenset(KeyState) - {KeyState.DISTRIBUTED, KeyState.DESTROYED}
"""States of keys whose records ought to be in DNS. One just made may as well be: nobody asks for it yet."""

MX_PREFERENCE = 10


class Zone(StrEnum):
    """Whose zone a record belongs in."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Record:
    """A record that ought to exist. `value`: presentation form, names without the final dot, TXT unquoted.

    purpose: which need it serves, the id of the findings about it. note: what a person should know about it.
    """

    name: str
    type: str
    value: str
    zone: Zone
    purpose: str
    note: str = ""


def selector(algorithm: Algorithm, slot: int) -> str:
    """The selector of a slot: s1 for RSA, e1 for Ed25519."""
    return f"{algorithm.selector_letter}{slot}"


def dkim_owner(domain: str, its_selector: str) -> str:
    """Where verifiers look for a key (RFC 6376 3.6.2.1)."""
    return f"{its_selector}._domainkey.{domain}"


def dkim_target(settings: FleetSettings, domain: str, its_selector: str) -> str:
    """Where the customer's CNAME points to: the key's own name in the operator's zone."""
    return f"{its_selector}.{domain}.{settings.dkim_zone}"


def dkim_needed(inventory: Inventory, key: DkimKey) -> Record:
    """What the customer publishes for a key: the CNAME to its record, or that itself if it does no CNAMEs.

    Where there is no customer any more, it is the record in the operator's zone.
    """
    customer = inventory.owner(key.domain)
    if customer is None:
        return key_record(inventory.settings, key)
    if customer.dkim_records is DkimRecords.TXT:
        return _by_hand(key)
    return dkim_cname(inventory.settings, key.domain, key.selector)


def key_record(settings: FleetSettings, key: DkimKey) -> Record:
    """A key's own record in the operator's zone."""
    name = dkim_target(settings, key.domain, key.selector)
    return Record(name, "TXT", key.record.render(), Zone.OPERATOR, "dkim")


def _by_hand(key: DkimKey) -> Record:
    owner = dkim_owner(key.domain, key.selector)
    return Record(owner, "TXT", key.record.render(), Zone.CUSTOMER, "dkim-txt")


def dkim_cname(settings: FleetSettings, domain: str, its_selector: str) -> Record:
    """The alias from where verifiers look to the key's own name, which a customer publishes once."""
    target = dkim_target(settings, domain, its_selector)
    return Record(dkim_owner(domain, its_selector), "CNAME", target, Zone.CUSTOMER, "dkim-cname")


def customer_records(
    settings: FleetSettings, customer: Customer, domain: str, keys: tuple[DkimKey, ...]
) -> tuple[Record, ...]:
    """What a customer's domain needs: SPF, a CNAME a slot and algorithm, DMARC; and the keys' own records.

    All CNAMEs are there from the beginning: the customer publishes them once, whatever keys come later. One
    who does no CNAMEs publishes the keys' own records, as they come.
    """
    published = [key for key in keys if key.state in PUBLISHED]
    spf_note = f"If there is an SPF record already, only add include:{settings.spf_name} to it"
    spf = Record(domain, "TXT", f"v=spf1 include:{settings.spf_name} ~all", Zone.CUSTOMER, "spf", spf_note)
    if customer.dkim_records is DkimRecords.TXT:
        return (spf, *(_by_hand(key) for key in published), _dmarc(customer, domain))
    cnames = [
        dkim_cname(settings, domain, selector(algorithm, slot)) for slot in SLOTS for algorithm in Algorithm
    ]
    texts = [key_record(settings, key) for key in published]
    return (spf, *cnames, _dmarc(customer, domain), *texts)


def _dmarc(customer: Customer, domain: str) -> Record:
    # Reports to another domain need its consent in DNS (RFC 7489 7.1), so only the own one is proposed.
    contact_domain = customer.contact.rpartition("@")[2]
    same = is_within(contact_domain, domain) or is_within(domain, contact_domain)
    value = f"v=DMARC1; p=none; rua=mailto:{customer.contact}" if same else "v=DMARC1; p=none"
    note = "" if same else "Adding rua=mailto:… with a mailbox in this domain is recommended"
    return Record(f"_dmarc.{domain}", "TXT", value, Zone.CUSTOMER, "dmarc", note)


def fleet_records(inventory: Inventory) -> tuple[Record, ...]:
    """What the fleet itself needs: every name's addresses and their way back, SPF, the bounce domain's MX."""
    settings = inventory.settings
    records = [_forward(settings.submission_name, settings.virtual_address)]
    records.append(_reverse(settings.virtual_address, settings.submission_name))
    for host in inventory.hosts:
        if host.in_fleet:
            records += host_records(inventory, host)
    for host in inventory.group("backends"):
        # Bounces have no MAIL FROM; receivers then check the name in HELO (RFC 7208 2.3).
        records.append(_operator(inventory.fqdn(host), "TXT", "v=spf1 a -all", "spf-helo"))
    parts = [f"ip{address.version}:{address}" for address in inventory.egress_addresses]
    records.append(_operator(settings.spf_name, "TXT", " ".join(["v=spf1", *parts, "-all"]), "spf"))
    bounce = settings.bounce_domain
    records.append(_operator(bounce, "MX", f"{MX_PREFERENCE} {settings.submission_name}", "bounce-mx"))
    records.append(_operator(bounce, "TXT", f"v=spf1 include:{settings.spf_name} -all", "spf"))
    return (*records, *_inbound_tls(settings))


def _inbound_tls(settings: FleetSettings) -> list[Record]:
    """What the bounce domain says of TLS, as far as the operator wants it to."""
    bounce, found = settings.bounce_domain, []
    if settings.tls_reports:
        value = reports_record(settings.tls_reports)
        found.append(_operator(f"_smtp._tls.{bounce}", "TXT", value, "tls-rpt"))
    if settings.mta_sts != "none":
        value = sts_record(policy_text(settings.mta_sts, settings.submission_name))
        found.append(_operator(f"_mta-sts.{bounce}", "TXT", value, "mta-sts"))
        found.append(_operator(policy_host(bounce), "CNAME", settings.submission_name, "mta-sts-host"))
    return found


def _operator(name: str, kind: str, value: str, purpose: str) -> Record:
    return Record(name, kind, value, Zone.OPERATOR, purpose)


def _forward(name: str, address: Address) -> Record:
    return _operator(name, "A" if address.version == 4 else "AAAA", str(address), "address")


def _reverse(address: Address, name: str) -> Record:
    return _operator(address.reverse_pointer, "PTR", name, "ptr")


LIST_SERVER = frozenset({"dem-site", "dem-mx"})
"""Purposes of the records that a customer's list server needs."""


def server_records(settings: FleetSettings, server: DemServer, address: Address) -> tuple[Record, ...]:
    """What a list server needs in the customer's zones: its site, and where its lists get mail, the MX."""
    site = site_record(server, address)
    if not server.discussions:
        return (site,)
    value = f"{MX_PREFERENCE} {settings.submission_name}"
    return (site, Record(server.domain, "MX", value, Zone.CUSTOMER, "dem-mx"))


def site_record(server: DemServer, address: Address) -> Record:
    """What makes a list server's web name lead to its host."""
    kind = "A" if address.version == 4 else "AAAA"
    return Record(server.site, kind, str(address), Zone.CUSTOMER, "dem-site")


def domain_records(inventory: Inventory, owner: Customer, domain: str) -> tuple[Record, ...]:
    """All that is expected of a customer's domain: of its mail, its keys, and its list server."""
    own = customer_records(inventory.settings, owner, domain, inventory.keys_of(domain))
    return (*own, *_list_server(inventory, owner, domain))


def _list_server(inventory: Inventory, owner: Customer, domain: str) -> tuple[Record, ...]:
    """Those of its list server's records that are in this one of its domains."""
    server = inventory.dem_server(owner.name)
    host = inventory.host(server.host) if server else None
    if server is None or host is None:
        return ()
    return tuple(
        record
        for record in server_records(inventory.settings, server, host.address)
        if domain == max((each for each in owner.domains if is_within(record.name, each)), key=len)
    )


def host_records(inventory: Inventory, host: Host) -> tuple[Record, ...]:
    """A host's name with its addresses, and their way back."""
    name = inventory.fqdn(host)
    addresses = dict.fromkeys((host.address, *host.egress_addresses))
    return tuple(
        record for address in addresses for record in (_forward(name, address), _reverse(address, name))
    )


def group_by_owner(records: tuple[Record, ...]) -> dict[tuple[str, str], tuple[Record, ...]]:
    """Records by name and type: the sets that DNS keeps and changes together."""
    sets: dict[tuple[str, str], tuple[Record, ...]] = {}
    for record in records:
        owner = (record.name, record.type)
        sets[owner] = (*sets.get(owner, ()), record)
    return sets
