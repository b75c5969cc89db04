"""What `dns verify --live` talks to, and how its findings come beside those of DNS."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.cli import wiring
from provisioner.core.findings import Finding
from provisioner.core.fleet import Inventory
from provisioner.workflows import live

_DAYS = 7 * 86_400
"""Seconds: of mail of so many days the return paths are asked."""

Found = dict[str | None, tuple[Finding, ...]]


@dataclass(frozen=True)
class Talked:
    """Findings by subject, None being the fleet; by domain, the domains of return paths that were used."""

    found: Found = field(default_factory=dict)
    used: Mapping[str, Collection[str]] = field(default_factory=dict)


def tools(path: Path, inventory: Inventory) -> live.Tools:
    """The adapters; path: the inventory's, which has the fleet's own authority."""
    # SSH and signatures take longer to load than a look at a domain takes without them.
    from provisioner.adapters import deliveries, links, tls_probe  # noqa: PLC0415
    from provisioner.adapters.probes import Probes  # noqa: PLC0415

    authority, backends = path / "secrets/ca.crt", inventory.group("backends")
    return live.Tools(
        look=lambda address, name, port: tls_probe.look(address, name, port, authority),
        take=tls_probe.ask_mailbox,
        probe=Probes(wiring.resolver(inventory.settings).lookup),
        senders=live.read_once(lambda: deliveries.read(backends, time.time() - _DAYS)),
        ask=lambda addresses: deliveries.ask_mailboxes(backends, addresses),
        link=lambda url: links.ask(url, authority),
        fetch=lambda host, file, address: links.fetch(host, file, address, authority),
        now=wiring.now,
    )


def look(path: Path, inventory: Inventory, subjects: tuple[str | None, ...], url: str | None) -> Talked:
    """What came of talking. url: an unsubscribe link of the first domain's customer.

    Raises UsageError for a link that may not be asked.
    """
    probes = tools(path, inventory)
    names = tuple(name for name in subjects if name is not None)
    clicked = live.link(inventory, names[0], url, probes) if url else ()
    found: Found = {}
    if names:
        found |= {name: some for name, some in live.domains(inventory, names, probes).items()}  # noqa: C416
        found[names[0]] = (*found[names[0]], *clicked)
    if None in subjects:
        found[None] = live.fleet(inventory, probes)
    return Talked(found, live.return_paths(inventory, names, probes) if names else {})
