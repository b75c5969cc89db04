from __future__ import annotations

import io
import json

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import wiring
from provisioner.core.answers import Chain, Dnssec, Outcome
from provisioner.core.dkim import KeyState
from provisioner.core.errors import UsageError
from provisioner.core.gate import NOT_ACTIVE
from provisioner.workflows.customer_change import activate, suspend
from tests.unit.cli.running import Outcome as Result
from tests.unit.cli.running import Run
from tests.unit.cli.test_dns_verify import make_sound


def suspended(run: Run, name: str) -> object:
    facts = run("customer", "show", name, "--json").json
    assert isinstance(facts, dict)
    return facts["suspended"]


def audited(run: Run) -> list[dict[str, str]]:
    log = run.root / "audit.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def initech(run: Run) -> Run:
    wanted = ("--domain", "initech.example", "--contact", "it@initech.example", "--inactive")
    added = run("customer", "add", "initech", *wanted)
    assert "customer activate initech" in added.out
    make_sound(run)
    return run


def test_a_customer_waits_until_its_dns_is_right(initech: Run) -> None:
    assert suspended(initech, "initech") == NOT_ACTIVE
    refused = initech("customer", "activate", "initech")
    assert refused.code == 1
    assert "spf initech.example" in refused.err
    assert "dns verify --customer initech --watch" in refused.err
    assert suspended(initech, "initech")
    assert not audited(initech)


def test_what_is_right_goes_through(run: Run) -> None:
    make_sound(run)
    assert run("customer", "activate", "acme").code == 0
    assert not audited(run)


def test_force_needs_a_reason_and_is_kept(initech: Run) -> None:
    assert initech("customer", "activate", "initech", "--force").code == 2
    done = initech("customer", "activate", "initech", "--force", "--reason", "moves on Monday")
    assert done.code == 0
    assert suspended(initech, "initech") is None
    (entry,) = audited(initech)
    assert (entry["subject"], entry["action"], entry["why"]) == (
        "customer initech",
        "activate",
        "moves on Monday",
    )
    assert "spf initech.example: fail" in entry["seen"]


def test_doubt_asks_a_person(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sound(run)
    run.dns.fail("globex.example", "MX", Outcome.TIMEOUT)
    assert run("customer", "activate", "globex").code == 1  # nobody there to be asked
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda _, **__: False)
    assert run("customer", "activate", "globex").code == 1
    monkeypatch.setattr("typer.confirm", lambda _, **__: True)
    assert run("customer", "activate", "globex").code == 0
    assert audited(run)[0]["why"] == "unknown, and confirmed"


def test_the_question_stays_out_of_what_programs_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sound(run)
    run.dns.fail("globex.example", "MX", Outcome.TIMEOUT)
    typed = io.StringIO("y\n")
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", typed)
    done = run("customer", "activate", "globex", "--json")
    assert done.code == 0
    assert isinstance(done.json, dict)
    assert "although this is unknown?" not in done.out
    assert "although this is unknown?" in done.err


def test_an_egress_address_without_a_name_closes_the_gate(run: Run) -> None:
    make_sound(run)
    run.dns.data.pop(("31.2.0.192.in-addr.arpa", "PTR"))
    refused = run("customer", "activate", "globex")
    assert refused.code == 1
    assert "ptr 192.0.2.31" in refused.err
    assert "dns verify --customer globex --fleet --watch" in refused.err


def test_without_a_resolver_nothing_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "answers", lambda server: False)
    told = run("customer", "activate", "globex")
    assert (told.code, "no name server answers there" in told.err) == (2, True)


def test_a_broken_chain_above_the_fleets_keys_closes_the_gate(run: Run) -> None:
    make_sound(run)
    run.dns.signed["dkim.operator.example"] = Dnssec("dkim.operator.example", Chain.BROKEN, "ended", "ns1")
    refused = run("customer", "activate", "globex")
    assert refused.code == 1
    assert "dnssec dkim.operator.example" in refused.err


def test_the_zone_of_the_fleets_spf_record_counts_too(run: Run) -> None:
    make_sound(run)
    run.dns.second["operator.example", "SOA"] = Outcome.LAME
    refused = run("customer", "activate", "globex")
    assert refused.code == 1
    assert "zone operator.example" in refused.err


def test_a_customer_whose_mail_nobody_signs_is_not_activated(run: Run) -> None:
    make_sound(run)
    store = TenantFiles(run.root)
    keys = store.load().keys_of("globex.example")
    with store.locked():
        store.update_keys([key.model_copy(update={"state": KeyState.GENERATED}) for key in keys])
    refused = run("customer", "activate", "globex")
    assert refused.code == 1
    assert "dkim globex.example" in refused.err


def test_more_mail_a_day_needs_the_same(run: Run) -> None:
    refused = run("customer", "set-plan", "acme", "business")
    assert refused.code == 1
    assert "upgrade to business refused" in refused.err
    assert run("customer", "set-plan", "globex", "base").code == 0  # less needs nothing
    make_sound(run)
    assert run("customer", "set-plan", "acme", "business").code == 0


def test_an_exception_for_more_mail_a_day_needs_the_same(run: Run) -> None:
    def override(limit: str, value: str, *more: str) -> Result:
        return run(
            "customer", "override", "acme", limit, value, "--until", "2099-01-01", "--reason", "sale", *more
        )

    refused = override("recipients_per_day", "5000")
    assert (refused.code, "raise the day's limit refused" in refused.err) == (1, True)
    assert not TenantFiles(run.root).load().customers[0].overrides
    for limit, value in (("recipients_per_day", "10"), ("recipients_per_hour", "5000")):
        assert override(limit, value).code == 0
    assert override("recipients_per_day", "5000", "--force").code == 0
    assert "raise the day's limit" in (run.root / "audit.jsonl").read_text()
    make_sound(run)
    assert override("recipients_per_day", "none").code == 0


def test_an_exception_that_holds_for_longer_needs_the_same(run: Run) -> None:
    def override(value: str, until: str) -> int:
        wanted = ("recipients_per_day", value, "--until", until, "--reason", "sale")
        return run("customer", "override", "acme", *wanted).code

    make_sound(run)
    assert override("5000", "2098-01-01") == 0
    run.dns.data.pop(("31.2.0.192.in-addr.arpa", "PTR"))
    assert [override("5000", "2099-01-01"), override("4000", "2099-01-01")] == [1, 1]
    for value, until in (("5000", "2097-01-01"), ("4000", "2097-01-01"), ("900", "2099-01-01")):
        assert override(value, until) == 0
    (kept,) = TenantFiles(run.root).load().customers[0].overrides.values()
    assert (kept.value, str(kept.until)) == (900, "2099-01-01")


def test_to_end_an_exception_for_less_mail_needs_the_same(run: Run) -> None:
    less = ("customer", "override", "acme", "recipients_per_day")
    assert run(*less, "10", "--until", "2099-01-01", "--reason", "warming up").code == 0
    for sooner in (("--end",), ("10", "--until", "2098-01-01", "--reason", "warming up")):
        refused = run(*less, *sooner)
        assert (refused.code, "raise the day's limit refused" in refused.err) == (1, True)
    assert TenantFiles(run.root).load().customers[0].overrides
    assert run(*less, "--end", "--force", "--reason", "they know").code == 0
    assert audited(run)[0]["why"] == "they know"
    make_sound(run)
    assert run(*less, "5000", "--until", "2099-01-01", "--reason", "sale").code == 0
    run.dns.data.pop(("31.2.0.192.in-addr.arpa", "PTR"))
    assert run(*less, "--end").code == 0  # less mail needs nothing


def test_who_is_suspended_is_not_activated(run: Run) -> None:
    run("customer", "suspend", "acme", "--reason", "complaints")
    found = run("customer", "activate", "acme")
    assert (found.code, "customer resume acme" in found.err) == (2, True)


@pytest.mark.parametrize("way", [("resume",), ("suspend", "--reason", "not today")])
def test_nothing_leads_past_the_gate(initech: Run, way: tuple[str, ...]) -> None:
    command, *options = way
    found = initech("customer", command, "initech", *options)
    assert (found.code, "not active yet" in found.err) == (2, True)
    assert suspended(initech, "initech") == NOT_ACTIVE


def test_who_is_suspended_meanwhile_is_not_activated(run: Run) -> None:
    store = TenantFiles(run.root)
    suspend(store, "acme", "complaints", wiring.now(), None)
    with pytest.raises(UsageError, match="complaints"):
        activate(store, "acme", None)


def test_a_list_server_is_as_much_as_a_larger_plan(run: Run) -> None:
    wanted = ("dem", "create", "acme", "--site", "news.acme.example", "--address", "192.0.2.71", "--check")
    told = run(*wanted)
    assert (told.code, "Would be refused: acme's DNS is wrong" in told.err) == (0, True)
    assert run(*wanted, "--force", "--reason", "x").code == 0
    refused = run(*wanted[:-1])
    assert refused.code == 1
    assert "dem create refused, its DNS is wrong" in refused.err
    assert run(*wanted, "--force").code == 2
    assert not audited(run)
    make_sound(run)
    assert "Would be refused" not in run(*wanted).err
