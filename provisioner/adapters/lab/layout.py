"""What the lab consists of: names, addresses, places on disk. Pure data; nothing here acts.

The embedded lab stands in for a platform such as VMware: it hands out machines that answer SSH at known
addresses. Everything behind that SSH is the business of the roles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

SUITE = "trixie"
"""Debian release of every lab host (13)."""

MIRROR_NAME, MIRROR_PORT = "package-mirror", 3142
"""The package mirror on the lab's gateway, the only thing outside that a lab host can reach."""

MIRROR = f"http://{MIRROR_NAME}:{MIRROR_PORT}"
"""Its URL; the same in every lab, since apt's lists are named after it and come with the machines' image."""


def hardware_address(address: IPv4Address) -> str:
    """The Ethernet address of an address: a machine that comes back has to be where others look for it."""
    return f"0a:58:{address.packed.hex(':')}"


@dataclass(frozen=True)
class LabHost:
    """One machine of the lab: its name and its address in the lab's network."""

    name: str
    address: IPv4Address


@dataclass(frozen=True)
class Lab:
    """A set of machines on one private network.

    name: prefix of every container, image and network it makes, so that labs do not meet.
    network: the private IPv4 network; its first address belongs to this machine.
    resolver: the address that the hosts' resolv.conf names.
    """

    name: str
    network: IPv4Network
    resolver: IPv4Address
    hosts: tuple[LabHost, ...] = field(default=())

    @property
    def gateway(self) -> IPv4Address:
        """This machine's own address in the lab's network."""
        return self.network.network_address + 1

    def container(self, host: str) -> str:
        """Name of the container that is `host`."""
        return f"{self.name}-{host}"
