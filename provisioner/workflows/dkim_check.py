"""Compare keys on every signer, in the inventory and in DNS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from provisioner.core.dkim import DkimKey, KeyState
from provisioner.core.drift import ASKED, SignerKeys, drift
from provisioner.core.findings import Finding
from provisioner.core.fleet import Inventory
from provisioner.core.key_look import Asked, findings
from provisioner.core.key_slots import HELD, Use, policy_of
from provisioner.core.records import dkim_needed
from provisioner.workflows.ports import Resolver
from provisioner.workflows.rotation_round import AT_ONCE

Fingerprint = Callable[[str], str]
"""From a key's id to the fingerprint of the inventory's private half, or what is wrong with it."""


def check(
    inventory: Inventory,
    domains: Sequence[str],
    signers: Mapping[str, SignerKeys],
    resolver: Resolver,
    fingerprint: Fingerprint | None,
) -> list[Finding]:
    """What differs, for each key of these domains. fingerprint: None leaves private halves encrypted."""
    keys = [key for domain in domains for key in inventory.keys_of(domain)]

    def ask(key: DkimKey) -> list[Finding]:
        wanted = dkim_needed(inventory, key)
        return findings(Asked(key, wanted, resolver.lookup_all(wanted.name, "TXT")))

    uses = {domain: policy_of(inventory, domain).use for domain in domains}
    # Where the records of a domain without a customer are, nobody knows for certain: in the operator's zone,
    # or in its own. Revoked ones are to be gone from the operator's.
    asked = [
        key
        for key in keys
        if key.state in ASKED and (uses[key.domain] is not Use.NOBODYS or key.state is KeyState.REVOKED)
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        dns = dict(zip((key.id for key in asked), pool.map(ask, asked), strict=True))
        ids = [key.id for key in keys] if fingerprint else []
        private = dict(zip(ids, pool.map(fingerprint, ids), strict=True)) if fingerprint else {}
    needed = {key.id for key in keys if key.state in HELD and uses[key.domain] is Use.SIGNS}
    return drift(keys, signers, dns, private, needed)
