"""A look at a slot's keys: what authoritative servers say, for how long caches keep it; what signers show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from provisioner.core.answers import Answer
from provisioner.core.customers import DkimRecords
from provisioner.core.dkim import Algorithm, DkimKey
from provisioner.core.drift import shown
from provisioner.core.fleet import Inventory
from provisioner.core.key_look import Asked, look
from provisioner.core.key_slots import Dns, On, Seen
from provisioner.core.names import is_within
from provisioner.core.records import Record, dkim_cname, dkim_needed, selector
from provisioner.workflows.ports import Resolver, SignersAsked

Signers = dict[str, bool | None]
"""Host → whether it has what it ought to; None: no answer."""


def signers_show(
    ask: SignersAsked, inventory: Inventory, pushed: Signers, places: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], Signers]:
    """By domain and slot, which hosts hold just its keys, as their files say. pushed: who took the bundle.

    Such a host has files of the right names; before anybody signs, it shows their content.
    """
    hosts = [host for host in inventory.group("backends") if pushed.get(host.name)]
    if not places or not hosts:
        return {}
    told = ask(hosts, sorted({domain for domain, _ in places}))
    return {
        (domain, slot): pushed
        | {
            host: shown(has, [key for key in inventory.keys_of(domain) if key.slot == slot])
            for host, has in told.items()
        }
        for domain, slot in places
    }


class DnsLook:
    """Looks at DNS for one run; threads may look side by side. ttl: of records that the fleet publishes."""

    def __init__(self, inventory: Inventory, resolver: Resolver) -> None:
        self.ttl = timedelta(seconds=inventory.settings.dns_ttl)
        self._resolver = resolver
        self._negative: dict[str, int] = {}

    def at(self, inventory: Inventory, domain: str, slot: int) -> Seen:
        """What DNS says of a slot's keys, as the inventory has them; of a free slot, where its names lead.

        Resolvers may believe what was before for the longest time to live on the way to the keys, or for the
        negative one of a zone that it leads through, where they found nothing. In doubt about that, in doubt.
        """
        keys = [key for key in inventory.keys_of(domain) if key.slot == slot]
        if not keys:
            return self._ahead(inventory, domain, slot)
        asked = [self._ask(dkim_needed(inventory, key), key) for key in keys]
        ttl = self.ttl
        for place in sorted({place for each in asked for place in _places(inventory, each)}):
            negative = self._negative_ttl(place)
            if isinstance(negative, Answer):
                said = f"the SOA record of {negative.name}: {negative.seen} ({negative.server})"
                ours = is_within(place, inventory.settings.dkim_zone)
                return Seen(Dns.DOUBT, ttl, said=said, on=On.DNS if ours else On.CUSTOMER)
            ttl = max(ttl, timedelta(seconds=negative))
        return look(asked, ttl)

    def _ahead(self, inventory: Inventory, domain: str, slot: int) -> Seen:
        customer = inventory.owner(domain)
        if customer is not None and customer.dkim_records is DkimRecords.TXT:
            return Seen(ttl=self.ttl)
        names = [selector(algorithm, slot) for algorithm in Algorithm]
        cnames = [dkim_cname(inventory.settings, domain, name) for name in names]
        return look([self._ask(wanted) for wanted in cnames], self.ttl)

    def _ask(self, wanted: Record, key: DkimKey | None = None) -> Asked:
        return Asked(key, wanted, self._resolver.lookup_all(wanted.name, "TXT"))

    def _negative_ttl(self, place: str) -> int | Answer:
        """For how long resolvers keep that a name at this place is not there; or the answer that was none."""
        if place in self._negative:
            return self._negative[place]
        name = place
        while True:
            answer = self._resolver.lookup(name, "SOA")
            if answer.certain and answer.zone and not answer.chain:
                return self._negative.setdefault(place, answer.negative)
            name = name.partition(".")[2]
            if not answer.certain or not name:
                return answer


def _places(inventory: Inventory, asked: Asked) -> set[str]:
    """Where the names on the way to a key are."""
    above = {asked.wanted.name.partition(".")[2]}
    return above | ({inventory.settings.dkim_zone} if asked.wanted.type == "CNAME" else set())
