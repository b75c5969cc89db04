"""Property 7: nothing leaves the lab, least of all mail."""

from __future__ import annotations

import json

import pytest

from provisioner.adapters.lab.commands import run
from provisioner.adapters.lab.layout import hardware_address
from tests.fleet.fleet import Fleet

# Addresses for documentation (RFC 5737): nobody is there, and the guard has to stop us before that shows.
OUTSIDE = ("198.51.100.25", "203.0.113.25")
REACH = (
    "import socket,sys\n"
    "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 2); print('reached')\n"
    "except OSError: print('refused')"
)


@pytest.mark.parametrize("name", ["be1", "fe1", "world1"])
@pytest.mark.parametrize("port", ["25", "443"])
def test_no_host_reaches_the_outside(fleet: Fleet, name: str, port: str) -> None:
    assert fleet.shell(name, "ip route show default") == ""
    for address in OUTSIDE:
        assert fleet.on(name, "python3", "-c", REACH, address, port).text.strip() == "refused"


def test_the_guard_holds_even_with_a_route(fleet: Fleet) -> None:
    """A host that is given a route through this machine still gets nothing out, and the guard counts it."""
    gateway = str(fleet.machines.lab.gateway)
    before = _dropped(fleet)
    fleet.shell("be2", f"ip route add {OUTSIDE[0]}/32 via {gateway}")
    try:
        assert fleet.on("be2", "python3", "-c", REACH, OUTSIDE[0], "25").text.strip() == "refused"
        assert fleet.on("be2", "python3", "-c", REACH, gateway, "25").text.strip() == "refused"
    finally:
        fleet.shell("be2", f"ip route del {OUTSIDE[0]}/32")
    assert _dropped(fleet) > before


def test_the_labs_resolver_knows_no_real_name(fleet: Fleet) -> None:
    ask = "import socket,sys\ntry: print(socket.gethostbyname(sys.argv[1]))\nexcept OSError: print('unknown')"
    for name in ("be1", "fe1", "world1"):
        assert fleet.on(name, "python3", "-c", ask, "www.debian.org").text.strip() == "unknown"
    assert fleet.on("be1", "python3", "-c", ask, "mx.gmail.test").text.strip() == str(
        fleet.host("world1").address
    )


def test_hardware_addresses_outlive_restarts(fleet: Fleet) -> None:
    """Others would send to the old one for a minute; a bridge by itself has that of its lowest port."""
    network = fleet.machines.substrate.podman("network", "inspect", fleet.machines.lab.name).stdout
    bridge = json.loads(network)[0]["network_interface"]
    (link,) = json.loads(run(["ip", "-json", "link", "show", "dev", bridge]).stdout)
    assert link["address"] == hardware_address(fleet.machines.lab.gateway)
    for host in fleet.machines.lab.hosts:
        shown = fleet.shell(host.name, "cat /sys/class/net/eth0/address")
        assert shown.strip() == hardware_address(host.address), host.name


def _dropped(fleet: Fleet) -> int:
    """Packets that the guard has dropped on this machine so far."""
    table = fleet.machines.lab.name.replace("-", "_")
    listed = json.loads(run(["nft", "--json", "list", "table", "inet", table]).stdout)
    rules = [entry["rule"]["expr"] for entry in listed["nftables"] if "rule" in entry]
    return sum(part["counter"]["packets"] for rule in rules for part in rule if "counter" in part)
