from __future__ import annotations

import pytest

from provisioner.core.health import HostHealth, expected_services, fleet_faults

WELL = HostHealth(
    "fe1",
    ("frontends",),
    {"postfix.service": "active"},
    {"active": 0},
    certificate_days=300,
    disk=40,
    bundle="v2",
)


def test_a_host_of_each_kind_runs_what_its_kind_needs() -> None:
    assert expected_services(["backends"]) == (
        *("postfix.service", "rspamd.service", "unbound.service"),
        *("provisioner-bounces.service", "nftables.service"),
    )
    assert expected_services([]) == ("nftables.service",)
    assert "valkey-sentinel.service" not in expected_services(["state"])
    assert "valkey-sentinel.service" in expected_services(["state"], stores=3)
    assert "valkey-sentinel.service" not in expected_services(["frontends"], stores=3)


def test_a_well_host_has_no_fault() -> None:
    assert fleet_faults([WELL], "v2") == {"fe1": ()}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"services": {"postfix.service": "failed"}}, "postfix.service is failed"),
        ({"certificate_days": None}, "no fleet certificate"),
        ({"certificate_days": 3}, "certificate host.crt ends in 3 days"),
        (
            {"certificate": "submission.pem", "certificate_days": -1},
            "certificate submission.pem ends in -1 days",
        ),
        ({"disk": 95}, "disk 95 % full"),
        ({"bundle": "v1"}, "tenant bundle v1, not v2"),
        ({"bundle": None}, "tenant bundle missing, not v2"),
        ({"silent": "no answer over SSH in time"}, "no answer: no answer over SSH in time"),
    ],
)
def test_each_fault_is_named(changes: dict[str, object], fault: str) -> None:
    ill = HostHealth(**{**vars(WELL), **changes})
    assert fleet_faults([ill], "v2") == {"fe1": (fault,)}


def test_hosts_without_tenants_need_no_bundle() -> None:
    balancer = HostHealth("lb1", ("loadbalancers",), certificate_days=300, disk=1)
    assert fleet_faults([balancer], "v2") == {"lb1": ()}
