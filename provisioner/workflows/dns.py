"""The DNS of a customer's domain or of the fleet: what it should say, and made so."""

from __future__ import annotations

from provisioner.core.fleet import Inventory
from provisioner.core.names import is_within
from provisioner.core.publishing import PublishResult
from provisioner.core.records import (
    PUBLISHED,
    Record,
    customer_records,
    domain_records,
    fleet_records,
    key_record,
)
from provisioner.workflows import dkim
from provisioner.workflows.ports import Publisher


def expected(inventory: Inventory, domain: str | None) -> tuple[Record, ...]:
    """The records of a customer's domain, or with None of the fleet. Raises UsageError for a foreign one."""
    if domain is None:
        return fleet_records(inventory)
    name = dkim.owned(inventory, domain)
    owner = inventory.owner(name)
    if owner is None:  # pragma: no cover - `owned` has seen to it
        return ()
    return domain_records(inventory, owner, name)


def publish(inventory: Inventory, domain: str | None, publisher: Publisher) -> list[PublishResult]:
    """Publish the expected records in those zones that the operator's primary lets us change."""
    return publisher.publish(expected(inventory, domain))


def zone_of(
    inventory: Inventory, domain: str | None, *, fleet: bool = False, zone: str | None = None
) -> tuple[str, tuple[Record, ...], tuple[Record, ...]]:
    """A zone, what is expected in it, and what else its subject needs that belongs in others.

    It is that of a customer's domain, or of the fleet, or else the DKIM zone. zone: another one, of what the
    domain or the fleet needs. Raises UsageError for a foreign domain.
    """
    if not domain and not fleet:
        return inventory.settings.dkim_zone, dkim_zone(inventory), ()
    own = inventory.settings.domain if fleet else dkim.owned(inventory, str(domain))
    records = expected(inventory, None if fleet else own)
    zone = (zone or own).lower().rstrip(".")
    inside = tuple(record for record in records if is_within(record.name, zone))
    return zone, inside, tuple(record for record in records if record not in inside)


def dkim_zone(inventory: Inventory) -> tuple[Record, ...]:
    """Every key's record in the operator's DKIM zone: all there is to be in it, besides SOA and NS.

    Those of domains that are nobody's any more stay until mail signed with them has had its time.
    """
    left = (key for key in inventory.keys if inventory.owner(key.domain) is None and key.state in PUBLISHED)
    return tuple(key_record(inventory.settings, key) for key in left) + tuple(
        record
        for customer in inventory.customers
        for domain in customer.domains
        for record in customer_records(inventory.settings, customer, domain, inventory.keys_of(domain))
        if record.purpose == "dkim"
    )
