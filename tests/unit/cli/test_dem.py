"""`dem create|list|show`; list servers are in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provisioner.adapters.dem_files import DemFiles
from provisioner.adapters.inventory_files import load
from provisioner.adapters.ssh import SshError
from provisioner.cli import dem_check, dem_create, fleet
from provisioner.core.answers import Outcome as Answered
from provisioner.core.errors import HostsFailed
from provisioner.core.findings import Finding, Status
from tests import samples
from tests.fakes import FakePublisher
from tests.unit.cli.dem_world import CREATE, FLEET, Hosts, deployed, dns, hosts, made
from tests.unit.cli.running import Run

__all__ = ["deployed", "dns", "hosts", "made"]


def test_a_list_server_is_created(
    run: Run, deployed: list[tuple[str, str]], dns: FakePublisher, hosts: Hosts
) -> None:
    told = run(*CREATE, *FLEET)
    assert told.code == 0, told.err
    inventory = load(run.root)
    server = inventory.dem_server("acme")
    assert server is not None
    assert (server.host, server.domain, server.admin) == ("dem1", "acme.example", "postmaster@acme.example")
    assert server.language == "en"
    assert deployed == [("dem1", "dem")]
    assert ("news.acme.example", "A", "192.0.2.71") in {(r.name, r.type, r.value) for r in dns.records}
    customer = inventory.customer("acme")
    assert customer is not None
    account = customer.account("acme-dem")
    assert account is not None
    assert (account.plan, account.return_tag) == ("dem", server.return_tag)
    assert b"acme-dem" in run.push.bundles[-1].frontend["passwd"]
    passwords = DemFiles(run.root).passwords("dem1")
    assert set(passwords) == {"account", "admin", "database"}
    assert passwords["admin"] in told.out
    assert f"  login     {server.admin}\n" in told.out
    everything = b"".join(samples.snapshot(run.root).values())
    assert not any(each.encode() in everything for each in passwords.values())
    assert "Not tested" in told.err


def test_the_same_again_completes_it(
    run: Run, hosts: Hosts, dns: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise HostsFailed("dem1 did not answer")

    monkeypatch.setattr(fleet, "run", fails)
    assert run(*CREATE, *FLEET).code == 3
    before = samples.snapshot(run.root)
    begun: list[str] = []
    monkeypatch.setattr(fleet, "run", lambda root, options, progress: begun.append(options.limit))
    told = run(*CREATE, *FLEET)
    assert told.code == 0, told.err
    assert samples.snapshot(run.root) == before
    assert begun == ["dem1"]
    assert DemFiles(run.root).passwords("dem1")["admin"] in told.out


def test_a_run_that_was_stopped_before_its_host_was_entered(
    run: Run,
    hosts: Hosts,
    dns: FakePublisher,
    deployed: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:

        @contextmanager
        def killed(self: DemFiles, host: str, customer: str) -> Iterator[None]:
            yield

        def stops(self: DemFiles, name: str, address: object) -> None:
            raise HostsFailed("power failed")

        patched.setattr(DemFiles, "unchanged_on_error", killed)
        patched.setattr(DemFiles, "add_host", stops)
        assert run(*CREATE, *FLEET).code == 3
    assert load(run.root).dem == ()
    assert run(*CREATE, *FLEET).code == 0
    (server,) = load(run.root).dem
    assert (server.host, server.account) == ("dem1", "acme-dem")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "nobody", "--site", "news.acme.example"), "no customer 'nobody'"),
        (("create", "acme", "--site", "news.globex.example"), "belongs to another customer, 'globex'"),
        (("create", "acme", "--site", "news.other.example"), "in none of the domains of 'acme'"),
        (("create", "acme", "--site", "news.acme.example", "--domain", "globex.example"), "another customer"),
        (("create", "acme", "--site", "news.acme.example"), "needs an address"),
        (("create", "acme", "--site", "news.acme.example", "--address", "192.0.2.21"), "is taken, by fe1"),
        (("create", "acme", "--site", "news.acme.example", "--address", "here"), "is not an IP address"),
        (("create", "acme", "--site", "news.acme.example", "--host", "be1", "--address", "192.0.2.71"),
         "a host 'be1' already"),
        (("create", "acme", "--site", "news.acme.example", "--host", "-x-", "--address", "192.0.2.71"),
         "is not a name"),
        (("create", "acme", "--site", "news.acme.example", "--address", "192.0.2.71",
           "--software", "phplist"),
         "phplist needs"),
        (("create", "acme", "--site", "news.acme.example", "--address", "192.0.2.71",
           "--certificate", "given"),
         "needs dem_certificate_chain"),
        (("show", "acme"), "acme has no list server"),
        (("upgrade",), "Name a customer"),
    ],
)  # fmt: skip
def test_what_can_not_be_changes_nothing(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]], arguments: tuple[str, ...], told: str
) -> None:
    before = samples.snapshot(run.root)
    found = run("dem", *arguments)
    assert found.code == 2
    assert told in found.err
    assert samples.snapshot(run.root) == before
    assert deployed == []


def test_an_archive_with_another_checksum(
    run: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive = tmp_path_factory.mktemp("archive") / "phplist.tgz"
    archive.write_bytes(b"not what was asked for")
    wanted = ("--software", "phplist", "--archive", str(archive), "--sha256", "0" * 64)
    before = samples.snapshot(run.root)
    found = run(*CREATE, *wanted)
    assert found.code == 2
    assert hashlib.sha256(b"not what was asked for").hexdigest() in found.err
    assert samples.snapshot(run.root) == before


def test_a_check_changes_nothing(run: Run, hosts: Hosts, deployed: list[tuple[str, str]]) -> None:
    before = samples.snapshot(run.root)
    facts = run(*CREATE, *FLEET, "--check", "--json").json
    assert isinstance(facts, dict)
    assert (facts["host"], facts["account"], facts["new"]) == ("dem1", "acme-dem", True)
    assert samples.snapshot(run.root) == before
    assert deployed == []


def test_another_wish_for_the_same_customer(made: Run) -> None:
    again = made(*CREATE[:4], "shop.acme.example", *CREATE[5:])
    assert again.code == 2
    assert "site news.acme.example, not shop.acme.example" in again.err


def test_an_inventory_that_would_not_load_is_put_back(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]]
) -> None:
    before = samples.snapshot(run.root)
    refused = run(*CREATE, *FLEET, "--host", "dem-")
    assert refused.code == 2
    assert "is not a host name" in refused.err
    assert samples.snapshot(run.root) == before


def test_a_certificate_that_can_not_be_had_yet(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]], dns: FakePublisher
) -> None:
    refused = run(*CREATE)
    assert refused.code == 1
    assert "does not lead to 192.0.2.71 yet" in refused.err
    assert deployed == []
    run.dns.set("news.acme.example", "A", "192.0.2.71")
    assert run(*CREATE).code == 0
    assert deployed == [("dem1", "dem")]
    assert run.dns.lookup("x.example", "A").outcome is not Answered.FOUND


def test_without_a_primary_it_says_what_to_publish(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]]
) -> None:
    told = run(*CREATE, *FLEET)
    assert told.code == 0
    assert "To be published by whoever has the zone: news.acme.example A 192.0.2.71" in told.out


def test_in_a_lab_its_machine_is_made_and_tested(
    run: Run,
    hosts: Hosts,
    deployed: list[tuple[str, str]],
    dns: FakePublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (run.root / "lab.yml").write_text("name: l\nnetwork: 192.0.2.0/24\nresolver: 192.0.2.61\n")
    up: list[frozenset[str]] = []
    monkeypatch.setattr(dem_create, "EmbeddedLab", lambda path, limit: limit)
    monkeypatch.setattr(dem_create, "make_machines", lambda machine, *_: up.append(machine))
    status = Status.PASS
    monkeypatch.setattr(
        dem_check, "judged", lambda *_: (Finding("opt-in", "a@b.example", status, "as it should be"),)
    )
    told = run("dem", "create", "acme", "--site", "news.acme.example", "--json")
    assert told.code == 0, told.err
    facts = told.json
    assert isinstance(facts, dict)
    assert (facts["address"], facts["findings"][0]["id"]) == ("192.0.2.71", "opt-in")
    assert up == [frozenset({"dem1"})]
    (server,) = load(run.root).dem
    assert server.certificate.value == "fleet"
    status = Status.FAIL
    failed = run("dem", "create", "acme", "--site", "news.acme.example")
    assert failed.code == 1
    assert "Not right: opt-in" in failed.err
    assert facts["admin_password"] in failed.out


def test_list_servers_are_listed_and_shown(made: Run, hosts: Hosts) -> None:
    listed = made("dem", "list")
    assert listed.code == 0
    assert "sympa 6.2.74" in listed.out
    shown = made("dem", "show", "acme", "--json").json
    assert isinstance(shown, dict)
    assert (shown["host"], shown["lists"][0]["name"]) == ("dem1", "news")
    host = load(made.root).host("dem1")
    assert host is not None
    hosts.failing["dem1", "status"] = SshError(host, "no answer over SSH in time")
    silent = made("dem", "list", "--json")
    assert silent.code == 3
    facts = json.loads(silent.out)
    assert facts[0]["error"] == "no answer over SSH in time"
