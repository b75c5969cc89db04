"""The lab's primary name server, told anything: what no command of ours would publish."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update

from provisioner.adapters import inventory_files
from provisioner.adapters.secret_files import SecretFiles
from provisioner.cli import wiring
from provisioner.core.names import is_within
from provisioner.core.zone_files import quoted
from provisioner.workflows.dns import expected
from tests.fleet.fleet import LAB, Fleet

AT_ONCE = 100
"""Record sets in one update."""

Dns = Mapping[tuple[str, str], tuple[str, ...]]
"""(name, type) → values in zone file form."""


def fill(fleet: Fleet, wanted: Dns, zones: Iterable[str]) -> None:
    """Have these zones have these records, and of these names no others."""
    settings = fleet.inventory.settings
    secret = base64.b64decode(str(SecretFiles(LAB).variables()[wiring.TSIG_SECRET]))
    key = dns.tsig.Key(dns.name.from_text(settings.dns_tsig_name), secret, settings.dns_tsig_algorithm)
    for zone in zones:
        for some in _batches(owner for owner in wanted if is_within(owner[0], zone)):
            update = dns.update.UpdateMessage(zone, keyring=key)
            for name, kind in some:
                update.delete(f"{name}.", kind)
                update.add(f"{name}.", 2, kind, *wanted[name, kind])
            answer = dns.query.tcp(update, str(settings.dns_primary), timeout=20)
            assert answer.rcode() == dns.rcode.NOERROR, (zone, answer)


@contextmanager
def says(fleet: Fleet, domain: str | None, name: str, text: str) -> Iterator[None]:
    """Have a TXT record of a customer's domain, or with None of the fleet, be another one meanwhile."""
    inventory = inventory_files.load(LAB)  # customers may have come since
    (right,) = [each.value for each in expected(inventory, domain) if (each.name, each.type) == (name, "TXT")]
    zone = domain or inventory.settings.domain
    fill(fleet, {(name, "TXT"): (quoted(text),)}, [zone])
    try:
        yield
    finally:
        fill(fleet, {(name, "TXT"): (quoted(right),)}, [zone])


def _batches(owners: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    every = list(owners)
    return (every[at : at + AT_ONCE] for at in range(0, len(every), AT_ONCE))
