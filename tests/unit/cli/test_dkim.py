"""`provisioner dkim` from the command line to the inventory, over a DNS and hosts in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from provisioner.core.probes import Verdict
from tests import samples
from tests.unit.cli.keys import DOMAIN, ZONE, Prober, facts_of, publish, signing
from tests.unit.cli.running import Run


def test_keys_from_made_to_signing(run: Run, clock: list[datetime]) -> None:
    assert run("dkim", "generate", DOMAIN, "--reason", "new customer").code == 0
    (made,) = facts_of(run, "dkim", "show", DOMAIN)["history"]
    assert (made["action"], made["why"]) == ("make new keys: generated", "new customer")
    assert run("dkim", "generate", DOMAIN).code == 0
    assert len(facts_of(run, "dkim", "show", DOMAIN)["history"]) == 1  # there was nothing to make
    held = run("dkim", "rotate", DOMAIN, "--apply")
    assert held.code == 0  # what was published a moment ago may still be on its way
    clock.append(clock[-1] + timedelta(days=1))
    held = run("dkim", "rotate", DOMAIN, "--apply")
    assert held.code == 1
    assert f"Publish: e1._domainkey.{DOMAIN} CNAME e1.{ZONE}" in held.err
    (facts,) = facts_of(run, "dkim", "status", DOMAIN)
    assert [(wait["on"], wait["until"]) for wait in facts["waits"]] == [("customer", None)]
    assert "(waits for the customer)" in " ".join(run("dkim", "status", DOMAIN).out.split())
    publish(run, "s1", "e1")
    signing = run("dkim", "rotate", DOMAIN, "--apply", "--wait")
    assert (signing.code, signing.err.count("Waiting: what resolvers may still believe")) == (0, 1)
    assert len(run.push.bundles[-1].keys) == 2
    assert "probes through be1, be2 verify" in signing.out
    history = facts_of(run, "dkim", "show", DOMAIN)["history"]
    assert history[-1]["action"].startswith("send a probe through every backend")
    assert history[-1]["seen"] == "probes through be1, be2 verify"
    assert "@" in history[-1]["who"]


def test_a_cname_to_somebody_elses_zone_leaves_all_as_it_is(run: Run, clock: list[datetime]) -> None:
    publish(run, "s1", "e1")
    run.dns.set(f"e1._domainkey.{DOMAIN}", "CNAME", "e1.other.example")
    before = samples.snapshot(run.root)
    for _ in range(2):
        held = run("dkim", "rotate", DOMAIN, "--apply")
        assert held.code == 1
        assert f"Change it: e1._domainkey.{DOMAIN} CNAME e1.{ZONE}" in held.err
    assert samples.snapshot(run.root) == before
    shown = run("dkim", "status", DOMAIN).out
    assert "free" in shown
    publish(run, "e1")
    assert run("dkim", "rotate", DOMAIN, "--apply", "--wait").code == 0
    clock.append(clock[-1] + timedelta(days=200))
    run.dns.set(f"s2._domainkey.{DOMAIN}", "CNAME", "s2.other.example")
    assert run("dkim", "rotate", "--all-due", "--apply").code == 1
    assert "0 of 1 domains sign with proven keys" in run("dkim", "status", "--all").out
    assert [slot["slot"] for slot in facts_of(run, "dkim", "status", DOMAIN)[0]["slots"]] == [1]


def test_a_plan_changes_nothing(run: Run, clock: list[datetime]) -> None:
    signing(run, clock)
    before = samples.snapshot(run.root)
    plan = run("dkim", "rotate", DOMAIN)
    assert plan.code == 0
    assert "now                  slot 2: make new keys" in plan.out
    assert "slot 1: remove records and private keys" in plan.out
    for command in (
        ["rollback", DOMAIN],
        ["revoke", DOMAIN, "s1"],
        ["rotate", "--all-due"],
        ["status", DOMAIN],
    ):
        assert run("dkim", *command).code == 0
    assert samples.snapshot(run.root) == before


def test_an_emergency_says_what_it_costs_and_why_it_was(run: Run, clock: list[datetime]) -> None:
    signing(run, clock)
    assert run("dkim", "rotate", DOMAIN, "--apply", "--emergency").code == 2
    done = run("dkim", "rotate", DOMAIN, "--apply", "--emergency", "--reason", "laptop stolen")
    assert "will fail DKIM" in done.err
    publish(run, "s2", "e2")
    assert run("dkim", "rotate", DOMAIN, "--apply", "--wait").code == 0
    (facts,) = facts_of(run, "dkim", "status", DOMAIN)
    assert [(slot["state"], slot["leaked"]) for slot in facts["slots"]] == [
        ("revoked", True),
        ("active", False),
    ]
    assert "laptop stolen" in {each["why"] for each in facts_of(run, "dkim", "show", DOMAIN)["history"]}


def test_back_and_done_with(run: Run, clock: list[datetime]) -> None:
    signing(run, clock)
    assert run("dkim", "rollback", DOMAIN, "--apply", "--reason", "no").code == 1  # nothing retires
    run("dkim", "rotate", DOMAIN, "--apply")
    publish(run, "s2", "e2")
    assert run("dkim", "rotate", DOMAIN, "--apply", "--wait").code == 0
    assert run("dkim", "rollback", DOMAIN, "--apply").code == 2  # no reason given
    assert run("dkim", "rollback", DOMAIN, "--apply", "--reason", "complaints").code == 0
    assert run("dkim", "revoke", DOMAIN, "s1", "--apply", "--reason", "x").code == 1  # they sign
    assert run("dkim", "revoke", DOMAIN, "s9", "--apply", "--reason", "x").code == 2
    assert run("dkim", "revoke", DOMAIN, "e2", "--apply", "--reason", "never again").code == 0
    (facts,) = facts_of(run, "dkim", "status", DOMAIN)
    assert [slot["state"] for slot in facts["slots"]] == ["active", "revoked"]


def test_all_domains_of_a_customer_at_once(run: Run, clock: list[datetime]) -> None:
    both = (DOMAIN, f"shop.{DOMAIN}")
    made = facts_of(run, "dkim", "generate", "--customer", "acme", "--reason", "new")
    assert [(key["domain"], key["selector"]) for key in made["made"]] == [
        (domain, selector) for domain in both for selector in ("s1", "e1")
    ]
    assert "There were keys already" in run("dkim", "generate", *both).out
    shown = facts_of(run, "dkim", "show", "--customer", "acme")
    assert {key["domain"] for key in shown["keys"]} == set(both)
    assert {entry["subject"] for entry in shown["history"]} == {f"{domain} slot 1" for domain in both}
    text = run("dkim", "show", *both).out
    assert all(f"\n{domain}\n" in text for domain in both)
    for domain in both:
        for slot in "12":
            for letter in "se":
                target = f"{letter}{slot}.{domain}.dkim.operator.example"
                run.dns.set(f"{letter}{slot}._domainkey.{domain}", "CNAME", target)
    for _ in range(2):
        assert run("dkim", "rotate", "--customer", "acme", "--apply", "--wait").code == 0
    assert run("dkim", "rollback", "--customer", "acme", "--apply", "--reason", "x").code == 0
    assert run("dkim", "revoke", "--customer", "acme", "s2", "--apply", "--reason", "x").code == 0
    for facts in facts_of(run, "dkim", "status", *both):
        assert [slot["state"] for slot in facts["slots"]] == ["active", "revoked"]
    again = ("dkim", "revoke", *both, "e2", "--apply", "--reason", "x")
    assert "Nothing was due" in run(*again).out


def test_keys_of_those_domains_that_have_them(run: Run, clock: list[datetime]) -> None:
    run("dkim", "generate", DOMAIN)
    missing = run("dkim", "revoke", DOMAIN, f"shop.{DOMAIN}", "s1")
    assert (missing.code, f"shop.{DOMAIN} has no key s1" in missing.err) == (2, True)
    assert run("dkim", "revoke", "--customer", "acme", "s1").code == 0
    assert run("dkim", "revoke", "--customer", "acme", "s2").code == 2


def test_a_probe_that_fails_ends_with_1_and_the_keys_before(
    run: Run,
    clock: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signing(run, clock)
    run("dkim", "rotate", DOMAIN, "--apply")
    publish(run, "s2", "e2")
    monkeypatch.setattr(Prober, "verdict", Verdict.WRONG)
    failed = run("dkim", "rotate", DOMAIN, "--apply", "--wait")
    assert failed.code == 1
    assert "going back to the keys before" in failed.err
    (facts,) = facts_of(run, "dkim", "status", DOMAIN)
    assert [slot["state"] for slot in facts["slots"]] == ["active", "retiring"]


def test_a_signer_that_is_away_ends_with_3(run: Run, clock: list[datetime]) -> None:
    run.push.broken = ("be2",)
    held = run("dkim", "rotate", DOMAIN, "--apply")
    assert (held.code, "be2" in held.err) == (3, True)
    run.push.broken = ()
    assert run("dkim", "rotate", DOMAIN, "--apply").code == 0


def test_all_that_is_due(run: Run, clock: list[datetime]) -> None:
    for nothing in (("rotate", "--all-due"), ("rotate", "--all-due", "--apply"), ("status", "--all")):
        found = run("dkim", *nothing)  # a new fleet's timer is no failure
        assert found.code == 0
        assert "No domain has keys yet" in found.err
    signing(run, clock)
    assert "Nothing was due" in run("dkim", "rotate", "--all-due", "--apply").out
    assert "1 of 1 domains sign with proven keys" in run("dkim", "status", "--all").out
    clock.append(clock[-1] + timedelta(days=200))
    assert "slot 2: make new keys" in run("dkim", "rotate", "--all-due", "--apply").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["rotate"],
        ["rotate", DOMAIN, "--all-due"],
        ["rotate", DOMAIN, "--customer", "acme"],
        ["rotate", DOMAIN, "--wait"],
        ["rotate", "elsewhere.example"],
        ["rotate", "--customer", "nobody"],
        ["rotate", "--customer", "acme", "--all-due"],
        ["status"],
        ["status", DOMAIN, "--all"],
        *([command, *more] for command in ("generate", "show", "rollback") for more in ([], ["x.example"])),
        *([command, DOMAIN, "--customer", "acme"] for command in ("generate", "show", "rollback")),
        ["revoke", "s1"],
        ["revoke"],
    ],
)
def test_what_makes_no_sense(run: Run, clock: list[datetime], arguments: list[str]) -> None:
    before = samples.snapshot(run.root)
    assert run("dkim", *arguments).code == 2
    assert samples.snapshot(run.root) == before


def test_what_held_keys_is_kept_and_shown_until_they_go_on(
    run: Run, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    signing(run, clock)
    run("dkim", "rotate", DOMAIN, "--apply")
    publish(run, "s2", "e2")
    monkeypatch.setattr(Prober, "verdict", Verdict.DOUBT)
    assert run("dkim", "rotate", DOMAIN, "--apply", "--wait").code == 1
    (facts,) = facts_of(run, "dkim", "status", DOMAIN)
    (held,) = facts["held"]
    assert (held["slot"], "why" in held["said"]) == (2, True)
    assert f"{DOMAIN} slot 2 was held at" in run("dkim", "status", DOMAIN).out
    assert facts_of(run, "dkim", "show", DOMAIN)["history"][-1]["action"] == "held"
    monkeypatch.setattr(Prober, "verdict", Verdict.RIGHT)
    clock.append(clock[-1] + timedelta(hours=1))
    assert run("dkim", "rotate", DOMAIN, "--apply", "--wait").code == 0
    assert facts_of(run, "dkim", "status", DOMAIN)[0]["held"] == []
