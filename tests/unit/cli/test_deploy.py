"""`deploy` asks DNS first whether every backend may send."""

from __future__ import annotations

import json

import pytest

from provisioner.cli import fleet
from provisioner.core.answers import Outcome
from tests.unit.cli.running import Run

SPF = "_spf.operator.example"
OLD = "v=spf1 ip4:192.0.2.31 ip4:198.51.100.32 -all"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The limits of the deployments that were begun."""
    begun: list[str] = []
    monkeypatch.setattr(fleet, "run", lambda root, options, progress: begun.append(options.limit))
    return begun


def test_a_fleet_whose_spf_covers_it_is_deployed(run: Run, deployed: list[str]) -> None:
    run.dns.set(SPF, "TXT", f"{OLD[:-5]} ip6:2001:db8::32 -all")
    assert run("deploy").code == 0
    assert deployed == [""]


def test_a_fleet_that_published_nothing_is_new_until_it_has_customers(run: Run, deployed: list[str]) -> None:
    refused = run("deploy")
    assert refused.code == 1
    assert "be1 (192.0.2.31): none" in refused.err
    assert not deployed
    for file in (run.root / "customers").iterdir():
        file.unlink()
    assert run("deploy").code == 0
    assert deployed == [""]


def test_every_server_has_to_have_the_record(run: Run, deployed: list[str]) -> None:
    run.dns.set(SPF, "TXT", f"{OLD[:-5]} ip6:2001:db8::32 -all")
    run.dns.second[SPF, "TXT"] = (OLD,)
    refused = run("deploy")
    assert refused.code == 1
    assert "be2 (2001:db8::32): fail at ns2.test" in refused.err
    assert "ns1.test" not in refused.err
    assert not deployed


@pytest.mark.parametrize("limit", ["", "be2", "backends", "all", "be*", "lb1,be2"])
def test_a_backend_that_spf_does_not_know_is_not_deployed(run: Run, deployed: list[str], limit: str) -> None:
    run.dns.set(SPF, "TXT", OLD)
    refused = run("deploy", "--limit", limit)
    assert refused.code == 1
    assert "be2 (2001:db8::32): fail" in refused.err
    assert "be1" not in refused.err
    assert "dns publish --fleet" in refused.err
    assert not deployed


@pytest.mark.parametrize("limit", ["be1", "frontends", "lb1,state"])
def test_what_else_is_deployed_does_not_matter(run: Run, deployed: list[str], limit: str) -> None:
    run.dns.set(SPF, "TXT", OLD)
    assert run("deploy", "--limit", limit).code == 0
    assert deployed == [limit]


def test_it_may_be_forced_with_a_reason_that_is_kept(run: Run, deployed: list[str]) -> None:
    run.dns.set(SPF, "TXT", OLD)
    assert run("deploy", "--force").code == 2
    assert not deployed
    assert run("deploy", "--force", "--reason", "DNS is being moved").code == 0
    (entry,) = [json.loads(line) for line in (run.root / "audit.jsonl").read_text().splitlines()]
    assert entry["why"] == "DNS is being moved"
    assert "2001:db8::32" in entry["seen"]


def test_a_check_says_so_and_goes_on(run: Run, deployed: list[str]) -> None:
    run.dns.set(SPF, "TXT", OLD)
    checked = run("deploy", "--check")
    assert checked.code == 0
    assert "Would be refused" in checked.err


def test_doubt_is_told_and_keeps_nobody(run: Run, deployed: list[str]) -> None:
    run.dns.fail(SPF, "TXT", Outcome.TIMEOUT)
    told = run("deploy")
    assert told.code == 0
    assert "not known" in told.err
    assert deployed == [""]
