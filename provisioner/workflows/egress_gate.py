"""Before a backend sends: does the fleet's SPF record, as it is published now, let its addresses send?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioner.core.answers import Dns, Outcome
from provisioner.core.fleet import Address, Host, Inventory
from provisioner.core.spf import SpfResult, evaluate, is_spf


@dataclass(frozen=True)
class Uncovered:
    """An address that mail would leave from, its backend, and what SPF says of it."""

    host: str
    address: Address
    result: SpfResult
    reason: str

    @property
    def certain(self) -> bool:
        """Whether receivers would refuse; else DNS gave no answer."""
        return self.result is not SpfResult.TEMPERROR


async def uncovered(inventory: Inventory, dns: Dns, limit: str = "") -> tuple[Uncovered, ...]:
    """The egress addresses of backends to be deployed that the fleet's SPF record does not let send.

    limit: as Ansible's --limit. A fleet whose record is not published at all is new: nobody sends through it
    yet, and customers' own gate sees to it.
    """
    name = inventory.settings.spf_name
    published = await dns.ask(name, "TXT")
    if published.certain and not (published.outcome is Outcome.FOUND and any(map(is_spf, published.values))):
        return ()
    found = []
    for host in inventory.group("backends"):
        for address in host.egress_addresses if _meant(host, limit) else ():
            verdict = await evaluate(dns.ask, name, address)
            if verdict.result is not SpfResult.PASS:
                found.append(Uncovered(host.name, address, verdict.result, verdict.reason))
    return tuple(found)


def _meant(host: Host, limit: str) -> bool:
    """Whether a limit may mean a host; patterns that are no plain names may mean any."""
    parts = [part for part in re.split(r"[,:]", limit) if part]
    plain = all(re.fullmatch(r"[a-z0-9_-]+", part) for part in parts)
    return not parts or not plain or not {host.name, "all", *host.groups}.isdisjoint(parts)
