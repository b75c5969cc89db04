"""Pools of addresses: backends and plans agree, and a message's signer is told which one it leaves from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.adapters.inventory_files import load
from provisioner.core.bundle import compile_bundle
from provisioner.core.errors import InventoryError
from tests import samples

BE1, BE2 = "be1: {ansible_host: 192.0.2.31}", "ansible_host: 192.0.2.32\n"
PLANS = "base: {}\nbusiness: {egress_pool: news}\n"


def write(root: Path, one: str, other: str, plans: str = PLANS) -> Path:
    """The samples with what the two backends say of their pools."""
    first = f"be1: {{ansible_host: 192.0.2.31, egress_addresses: [192.0.2.31, 198.51.100.31]{one}}}"
    hosts = samples.HOSTS.replace(BE1, first).replace(BE2, f"{BE2}          {other}\n" if other else BE2)
    (samples.write(root, hosts=hosts) / "plans.yml").write_text(plans)
    return root


def pools(root: Path) -> dict[str, object]:
    lines = compile_bundle(load(root)).backend["domains"].decode().splitlines()
    facts = {domain: json.loads(said) for domain, said in (line.split(" ", 1) for line in lines)}
    return {domain: found["pools"] for domain, found in facts.items() if "pools" in found}


def test_a_plans_pool_is_told_to_backends_that_have_it(tmp_path: Path) -> None:
    one, other = ", egress_pools: {news: 198.51.100.31}", 'egress_pools: {news: "2001:db8::32"}'
    assert pools(write(tmp_path, one, other)) == {"globex.example": {"globex": "news"}}
    inventory = load(tmp_path)
    assert inventory.egress_pools == {"news"}
    (be1,) = [host for host in inventory.hosts if host.name == "be1"]
    assert [(name, str(address)) for name, address in be1.egress_pools] == [("news", "198.51.100.31")]


def test_without_pools_all_leaves_from_the_same_addresses(tmp_path: Path) -> None:
    assert pools(write(tmp_path, "", "")) == {}


NEWS = 'egress_pools: {news: "2001:db8::32"}'


@pytest.mark.parametrize(
    ("one", "other", "plans", "told"),
    [
        (", egress_pools: {news: 198.51.100.31}", "", PLANS,
         "hosts.yml:14: host 'be2' lacks the pool 'news', which others have"),
        (", egress_pools: {news: 203.0.113.1}", NEWS, PLANS,
         "hosts.yml:13: host 'be1': 203.0.113.1 of pool 'news' is none of its egress_addresses"),
        (", egress_pools: {news: 198.51.100.31}", NEWS, PLANS + "extra: {egress_pool: nws}\n",
         "plans.yml:3: no backend has the pool 'nws'"),
        (", egress_pools: {default: 192.0.2.31}", "egress_pools: {default: 198.51.100.32}", PLANS,
         "names the pool 'default' itself"),
        (", egress_pools: {news: here}", NEWS, PLANS, "egress_pools of 'be1': 'here' is not an IP address"),
        (", egress_pools: [198.51.100.31]", NEWS, PLANS, "egress_pools of 'be1' is not a mapping"),
        (", egress_pools: {News!: 198.51.100.31}", NEWS, PLANS, "'News!' is not a pool's name"),
    ],
)  # fmt: skip
def test_pools_that_do_not_agree(tmp_path: Path, one: str, other: str, plans: str, told: str) -> None:
    write(tmp_path, one, other, plans)
    with pytest.raises(InventoryError) as caught:
        load(tmp_path)
    assert any(told in str(fault) for fault in caught.value.faults), [
        str(each) for each in caught.value.faults
    ]
    assert caught.value.exit_code == 2
