"""Hosts whose addresses and resolvers come from the network: what roles write for them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.unit.roles.test_addresses import SIX, rendered, values

DHCP = {
    "isc-dhcp-client": "/etc/dhcp/dhclient-enter-hooks.d/provisioner-resolver",
    "dhcpcd-base": "/etc/dhcpcd.enter-hook",
    "network-manager": "/etc/NetworkManager/conf.d/90-provisioner.conf",
    "openresolv": "/etc/resolvconf.conf",
}


def value(role: str, name: str, **variables: Any) -> Any:
    """What a variable of a role comes to."""
    known = {**values(role, "defaults"), **values(role, "vars"), **variables}
    return Templar(DataLoader(), variables=known).template(known[name])


@pytest.mark.parametrize("packages", [[], ["dhcpcd-base"], ["network-manager", "openresolv"], list(DHCP)])
def test_whoever_is_there_is_kept_from_resolv_conf(packages: list[str]) -> None:
    facts = {"provisioner_host": {"packages": ["unbound", *packages]}}
    files = value("resolver", "__resolver_keep_out", ansible_facts=facts)
    assert [file["dest"] for file in files] == [DHCP[package] for package in DHCP if package in packages]


@pytest.mark.parametrize("stores", [1, 3])
@pytest.mark.parametrize("service", ["valkey-server", "valkey-sentinel"])
def test_a_store_waits_for_its_address_as_long_as_it_takes(service: str, stores: int) -> None:
    file = f"etc/systemd/system/{service}.service.d/provisioner.conf"
    lines = rendered("state", file, state_peers=[f"192.0.2.4{number}" for number in range(stores)])
    unit, of_service = (lines.index(section) for section in ("[Unit]", "[Service]"))
    assert {"Wants=network-online.target", "After=network-online.target", "StartLimitIntervalSec=0"} <= set(
        lines[unit:of_service]
    )
    assert "RestartSec=1s" in lines[of_service:]


def test_answers_of_dhcpv6_servers_come_in() -> None:
    lines = [line.strip() for line in rendered("common", "etc/nftables.conf", common_ssh_port=22)]
    rule = lines.index("ip6 saddr fe80::/10 udp dport 546 accept")
    assert lines.index("type filter hook input priority filter; policy drop;") < rule < lines.index("}")


@pytest.mark.parametrize(("variables", "port"), [({}, 22), ({"ansible_port": 2222}, 2222)])
def test_the_port_of_ssh_that_is_opened_is_the_one_that_is_used(variables: dict[str, Any], port: int) -> None:
    assert value("common", "common_ssh_port", **variables) == port
    lines = rendered("common", "etc/nftables.conf", **variables)
    assert f"    tcp dport {port} accept" in lines


@pytest.mark.parametrize(
    ("facts", "given", "interface"),
    [
        ({"default_ipv4": {"interface": "eth4"}, "default_ipv6": {"interface": "eth6"}}, "", "eth4"),
        ({"default_ipv4": {}, "default_ipv6": {"interface": "eth6"}}, "", "eth6"),
        ({"default_ipv4": {}, "default_ipv6": {}}, "", ""),
        ({}, "eth9", "eth9"),
    ],
)
def test_a_balancer_finds_its_interface_by_either_family(
    facts: dict[str, Any], given: str, interface: str
) -> None:
    known: dict[str, Any] = {"ansible_facts": facts, "loadbalancer_interface": given}
    assert value("loadbalancer", "__loadbalancer_interface", **known) == interface
    if interface:
        lines = rendered(
            "loadbalancer",
            "etc/keepalived/keepalived.conf",
            **known,
            inventory_hostname="lb1",
            ansible_host=SIX[0],
            loadbalancer_priority=200,
            loadbalancer_peers=[SIX[1]],
            loadbalancer_virtual_address="2001:db8::10",
        )
        assert f"  interface {interface}" in lines
        assert f"    2001:db8::10/128 dev {interface}" in lines
