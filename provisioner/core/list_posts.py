"""What hosts have to know of domains whose mailing lists get mail from everybody, through the fleet. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.core.dem import DemServer
from provisioner.core.fleet import Host, Inventory

TRANSPORT = "posts"
"""Backends' way to list servers, in Postfix's master.cf."""


def post_domains(inventory: Inventory) -> list[str]:
    """Lines of the map that Postfix looks at (transport(5)): `<domain> posts:[<address>]`."""
    return [f"{server.domain} {TRANSPORT}:{_literal(host)}" for server, host in _open(inventory)]


def _open(inventory: Inventory) -> Iterator[tuple[DemServer, Host]]:
    for server in inventory.dem:
        host = inventory.host(server.host)
        if server.discussions and host is not None:
            yield server, host


def _literal(host: Host) -> str:
    """An address as RFC 5321 4.1.3 writes it: nobody is to look for its MX."""
    return f"[ipv6:{host.address}]" if host.address.version == 6 else f"[{host.address}]"
