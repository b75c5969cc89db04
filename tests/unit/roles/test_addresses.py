"""Files that roles write for a fleet of both address families: each goes where its own syntax wants it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from provisioner.adapters.yaml_files import parse

ROLES = Path(__file__).parents[3] / "roles"
FOUR, SIX = ["192.0.2.21", "192.0.2.22"], ["2001:db8::21", "2001:db8::22"]


def rendered(role: str, file: str, only: str = "", **variables: Any) -> list[str]:
    """The lines of a role's file, without comments and empty ones; `only`: of those that begin so."""
    known = {**values(role, "defaults"), **values(role, "vars"), **variables}
    text = (ROLES / role / "templates" / f"{file}.j2").read_text()
    wanted = "\n".join(line for line in text.splitlines() if line.startswith(only))
    templar = Templar(DataLoader(), variables=known)
    # As Ansible reads files, whose backslashes are their own.
    lines = str(templar.template(trust_as_template(wanted), escape_backslashes=False)).splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def values(role: str, kind: str) -> dict[str, Any]:
    """A role's variables: its defaults or its vars."""
    found = parse((ROLES / role / kind / "main.yml").read_text())
    assert isinstance(found, dict)
    return {str(name): _trusted(value) for name, value in found.items()}


def _trusted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_trusted(inner) for inner in value]
    return trust_as_template(value) if isinstance(value, str) else value


RULES = [
    ("backend", "backend_frontends", "tcp dport { 10026, 10027 }", {}),
    ("quota", "quota_metrics_clients", "tcp dport 9154", {}),
    ("frontend", "frontend_loadbalancers", "tcp dport { 25, 465, 587 }", {}),
    (
        "loadbalancer",
        "loadbalancer_peers",
        "meta l4proto vrrp",
        {"loadbalancer_virtual_address": "192.0.2.10", "loadbalancer_mta_sts": "none"},
    ),
    (
        "resolver",
        "resolver_allow",
        "meta l4proto { tcp, udp } th dport 53",
        {"resolver_listen": ["192.0.2.61"]},
    ),
]


@pytest.mark.parametrize(("role", "variable", "what", "others"), RULES, ids=[rule[0] for rule in RULES])
def test_the_packet_filter_has_a_rule_for_each_family(
    role: str, variable: str, what: str, others: dict[str, Any]
) -> None:
    def rules(addresses: list[str]) -> list[str]:
        lines = rendered(role, f"etc/nftables.d/{role}.nft", **{**others, variable: addresses})
        return [line.removeprefix("add rule inet filter input ") for line in lines if "saddr" in line]

    four = f"ip saddr {{ {FOUR[0]}, {FOUR[1]} }} {what} accept"
    six = f"ip6 saddr {{ {SIX[0]}, {SIX[1]} }} {what} accept"
    assert rules(FOUR) == [four]
    assert rules(SIX) == [six]
    assert rules([FOUR[0], SIX[0], FOUR[1], SIX[1]]) == [four, six]
    assert rules([]) == []


def test_a_backend_believes_frontends_of_both_families() -> None:
    name = "smtpd_authorized_xforward_hosts"
    lines = rendered("backend", "etc/postfix/main.cf", name, backend_frontends=[FOUR[0], SIX[0]])
    # postconf(5): IPv6 addresses have to be in brackets there.
    assert lines == [f"{name} = {FOUR[0]}, [{SIX[0]}]"]
