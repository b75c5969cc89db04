"""Before a backend sends: does the fleet's SPF record, as it is published now, let its addresses send?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioner.core.answers import Answer, Dns, settled
from provisioner.core.fleet import Address, Host, Inventory
from provisioner.core.spf import SpfResult, evaluate, is_spf, with_answer


@dataclass(frozen=True)
class Uncovered:
    """An address that mail would leave from, its backend, and what SPF says of it at a name server."""

    host: str
    address: Address
    result: SpfResult
    reason: str
    server: str

    @property
    def certain(self) -> bool:
        """Whether receivers would refuse; else DNS gave no answer."""
        return self.result is not SpfResult.TEMPERROR


async def uncovered(inventory: Inventory, dns: Dns, limit: str = "") -> tuple[Uncovered, ...]:
    """The egress addresses of backends to be deployed that the fleet's SPF record does not let send.

    Every server with authority is asked: receivers may ask any. limit: as Ansible's --limit. A fleet without
    customers whose record is not published at all is new, and nobody sends through it yet.
    """
    answers = settled(await dns.ask_all(inventory.settings.spf_name, "TXT"))
    if not inventory.customers and all(a.certain and not any(map(is_spf, a.values)) for a in answers):
        return ()
    hosts = [host for host in inventory.group("backends") if _meant(host, limit)]
    pairs = [(host.name, address) for host in hosts for address in host.egress_addresses]
    judged = [await _judged(answer, host, address, dns) for answer in answers for host, address in pairs]
    return tuple(each for each in judged if each.result is not SpfResult.PASS)


async def _judged(published: Answer, host: str, address: Address, dns: Dns) -> Uncovered:
    verdict = await evaluate(with_answer(dns.ask, published), published.name, address)
    return Uncovered(host, address, verdict.result, verdict.reason, published.server)


def _meant(host: Host, limit: str) -> bool:
    """Whether a limit may mean a host; patterns that are no plain names may mean any."""
    parts = [part for part in re.split(r"[,:]", limit) if part]
    plain = all(re.fullmatch(r"[a-z0-9_-]+", part) for part in parts)
    return not parts or not plain or not {host.name, "all", *host.groups}.isdisjoint(parts)
