"""A look at DNS: what every authoritative server says of a slot's keys."""

from __future__ import annotations

from datetime import timedelta

from provisioner.core.fleet import Inventory
from provisioner.core.key_look import Asked, look
from provisioner.core.key_slots import Seen
from provisioner.core.records import dkim_needed
from provisioner.workflows.ports import Resolver


class DnsLook:
    """Looks at DNS for one run; threads may look side by side."""

    def __init__(self, inventory: Inventory, resolver: Resolver) -> None:
        self._resolver = resolver
        self.ttl = _ttl(inventory, resolver)

    def at(self, inventory: Inventory, domain: str, slot: int) -> Seen:
        """What DNS says of a slot's keys, as the inventory has them now."""
        asked = []
        for key in inventory.keys_of(domain):
            if key.slot == slot:
                wanted = dkim_needed(inventory, key)
                asked.append(Asked(key, wanted, self._resolver.lookup_all(wanted.name, "TXT")))
        return look(asked, self.ttl)


def _ttl(inventory: Inventory, resolver: Resolver) -> timedelta:
    """For how long resolvers may believe what was before: records' time to live, or the zone's negative one.

    That is the smaller of the SOA's own time to live and its last field (RFC 2308 5).
    """
    answer = resolver.lookup(inventory.settings.dkim_zone, "SOA")
    negative = min(answer.ttl, int(answer.values[0].split()[-1])) if answer.values else 3600
    return timedelta(seconds=max(inventory.settings.dns_ttl, negative))
