"""`provisioner dkim` from the command line to the inventory, over a DNS and hosts in memory."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from provisioner.adapters import dkim_keys
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import wiring
from provisioner.core.dkim import Algorithm
from provisioner.core.fleet import Host
from provisioner.core.probes import ProbeAsk, Probed, Verdict
from provisioner.core.publishing import PublishResult, PublishStatus
from provisioner.core.records import Record
from tests import samples
from tests.fakes import FakeResolver
from tests.unit.cli.running import Run

DOMAIN = "acme.example"
ZONE = f"{DOMAIN}.dkim.operator.example"


class Prober:
    """Probes come out as told."""

    verdict = Verdict.RIGHT

    def __call__(self, asks: Sequence[ProbeAsk], hosts: Sequence[Host]) -> list[Probed]:
        return [Probed(ask.domain, host.name, self.verdict, "why") for ask in asks for host in hosts]


class Primary:
    """A primary whose zone is the DNS in memory."""

    def __init__(self, dns: FakeResolver) -> None:
        self._dns = dns

    def publish(self, records: Sequence[Record]) -> list[PublishResult]:
        for record in records:
            self._dns.set(record.name, record.type, record.value)
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.PUBLISHED) for r in records]

    def withdraw(self, records: Sequence[Record]) -> list[PublishResult]:
        for record in records:
            self._dns.data.pop((record.name, record.type), None)
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.PUBLISHED) for r in records]


@pytest.fixture
def clock(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time that commands see: the last of these. Waiting ends at once, with that much time gone."""
    moments = [datetime(2026, 1, 1, tzinfo=UTC)]
    monkeypatch.setattr(wiring, "now", lambda: moments[-1])

    def sleep(seconds: float) -> None:
        moments.append(moments[-1] + timedelta(seconds=seconds))

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr(wiring, "publisher", lambda inventory: Primary(run.dns))
    monkeypatch.setattr(wiring, "Probes", lambda lookup: Prober())
    monkeypatch.setattr("provisioner.adapters.tenants.look", run.push)
    for zone in ("dkim.operator.example", DOMAIN):
        run.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 60")
    return moments


def publish(run: Run, *selectors: str) -> None:
    """The customer publishes these selectors' CNAMEs."""
    for selector in selectors:
        run.dns.set(f"{selector}._domainkey.{DOMAIN}", "CNAME", f"{selector}.{ZONE}")


def _json(run: Run, *arguments: str):  # type: ignore[no-untyped-def]
    return json.loads(run(*arguments, "--json").out)


def signing(run: Run, clock: list[datetime]) -> None:
    """The domain's first keys, at work."""
    assert run("dkim", "generate", DOMAIN).code == 0
    publish(run, "s1", "e1")
    done = run("dkim", "rotate", DOMAIN, "--apply", "--wait", "--reason", "new")
    assert done.code == 0, done.err


def test_keys_from_made_to_signing(run: Run, clock: list[datetime]) -> None:
    assert run("dkim", "generate", DOMAIN, "--reason", "new customer").code == 0
    (made,) = _json(run, "dkim", "show", DOMAIN)["history"]
    assert (made["action"], made["why"]) == ("make new keys: generated", "new customer")
    assert run("dkim", "generate", DOMAIN).code == 0
    assert len(_json(run, "dkim", "show", DOMAIN)["history"]) == 1  # there was nothing to make
    held = run("dkim", "rotate", DOMAIN, "--apply")
    assert held.code == 0  # what was published a moment ago may still be on its way
    clock.append(clock[-1] + timedelta(days=1))
    held = run("dkim", "rotate", DOMAIN, "--apply")
    assert held.code == 1
    assert f"Publish: e1._domainkey.{DOMAIN} CNAME e1.{ZONE}" in held.err
    (facts,) = _json(run, "dkim", "status", DOMAIN)
    assert [(wait["on"], wait["until"]) for wait in facts["waits"]] == [("customer", None)]
    assert "(waits for the customer)" in " ".join(run("dkim", "status", DOMAIN).out.split())
    publish(run, "s1", "e1")
    signing = run("dkim", "rotate", DOMAIN, "--apply", "--wait")
    assert (signing.code, signing.err.count("Waiting: what resolvers may still believe")) == (0, 1)
    assert len(run.push.bundles[-1].keys) == 2
    assert "probes through be1, be2 verify" in signing.out
    history = _json(run, "dkim", "show", DOMAIN)["history"]
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
    assert [slot["slot"] for slot in _json(run, "dkim", "status", DOMAIN)[0]["slots"]] == [1]


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
    (facts,) = _json(run, "dkim", "status", DOMAIN)
    assert [(slot["state"], slot["leaked"]) for slot in facts["slots"]] == [
        ("revoked", True),
        ("active", False),
    ]
    assert "laptop stolen" in {each["why"] for each in _json(run, "dkim", "show", DOMAIN)["history"]}


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
    (facts,) = _json(run, "dkim", "status", DOMAIN)
    assert [slot["state"] for slot in facts["slots"]] == ["active", "revoked"]


def test_all_domains_of_a_customer_at_once(run: Run, clock: list[datetime]) -> None:
    both = (DOMAIN, f"shop.{DOMAIN}")
    made = _json(run, "dkim", "generate", "--customer", "acme", "--reason", "new")
    assert [(key["domain"], key["selector"]) for key in made["made"]] == [
        (domain, selector) for domain in both for selector in ("s1", "e1")
    ]
    assert "There were keys already" in run("dkim", "generate", *both).out
    shown = _json(run, "dkim", "show", "--customer", "acme")
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
    for facts in _json(run, "dkim", "status", *both):
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
    (facts,) = _json(run, "dkim", "status", DOMAIN)
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


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, how)


def test_a_key_of_another_system_goes_on_signing(run: Run, clock: list[datetime], tmp_path: Path) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "old.pem").write_bytes(pem(private, b"sesame"))
    (tmp_path / "passphrase").write_text("sesame\n")
    run.dns.set(f"mail._domainkey.{DOMAIN}", "TXT", f"v=DKIM1; p={dkim_keys.public_of(private)}")
    wanted = ["dkim", "import", DOMAIN, str(tmp_path / "old.pem"), "--selector", "mail"]
    assert run(*wanted).code == 2  # no passphrase
    assert run(*wanted, "--passphrase-file", str(tmp_path / "passphrase"), "--reason", "moved in").code == 0
    assert run(*wanted, "--passphrase-file", str(tmp_path / "passphrase")).code == 2  # there already
    assert run("dkim", "rotate", DOMAIN, "--apply", "--wait").code == 0
    assert '"selector":"mail"' in run.push.bundles[-1].backend["domains"].decode()
    run("dkim", "rotate", DOMAIN, "--apply")
    publish(run, "s2", "e2")
    assert run("dkim", "rotate", DOMAIN, "--apply", "--wait").code == 0
    assert '"selector":"s2"' in run.push.bundles[-1].backend["domains"].decode()


def test_an_import_that_is_killed_is_in_the_log(
    run: Run, clock: list[datetime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "key.pem").write_bytes(dkim_keys.generate(Algorithm.RSA)[1])
    monkeypatch.setattr(TenantFiles, "add_keys", killed)
    run("dkim", "import", DOMAIN, str(tmp_path / "key.pem"), "--selector", "mail", "--reason", "moved in")
    (entry,) = _json(run, "dkim", "show", DOMAIN)["history"]
    assert (entry["subject"], entry["why"]) == (f"{DOMAIN} slot 1", "moved in")
    assert entry["action"].startswith("mail imported as ")


def test_keys_that_go_with_their_customer_are_told_and_logged(run: Run, clock: list[datetime]) -> None:
    signing(run, clock)
    done = run("customer", "remove", "acme", "--yes")
    until = (clock[-1] + timedelta(days=14)).date()
    assert f"keep them until {until}, then remove them:" in done.out
    assert f"  s1.{ZONE}. TXT\n" in done.out
    entry = json.loads((run.root / "audit.jsonl").read_text().splitlines()[-1])
    assert (entry["subject"], entry["why"]) == (f"{DOMAIN} slot 1", "customer acme removed")
    assert entry["action"] == "s1 destroyed: private key deleted"
    assert entry["seen"] == f"its record s1.{ZONE} stays; of no use from {until} on"
    assert "keep them until" not in run("customer", "remove", "globex", "--yes").out


def test_keys_that_may_not_come_in(run: Run, clock: list[datetime], tmp_path: Path) -> None:
    files = {
        "1024 bits": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505
        "only RSA and Ed25519": pem(ec.generate_private_key(ec.SECP256R1())),
        "no private key": b"nothing",
    }
    before = samples.snapshot(run.root)
    for reason, content in files.items():
        (tmp_path / "key.pem").write_bytes(content)
        refused = run("dkim", "import", DOMAIN, str(tmp_path / "key.pem"), "--selector", "mail")
        assert (refused.code, reason in refused.err) == (2, True)
    _, private = dkim_keys.generate(Algorithm.RSA)
    (tmp_path / "key.pem").write_bytes(private)
    wanted = ["dkim", "import", DOMAIN, str(tmp_path / "key.pem"), "--selector"]
    assert run(*wanted, "Not_One").code == 2
    run.dns.set(f"mail._domainkey.{DOMAIN}", "TXT", f"v=DKIM1; p={dkim_keys.generate(Algorithm.RSA)[0]}")
    assert "this is not the key of mail._domainkey" in run(*wanted, "mail").err
    run.dns.set(f"other._domainkey.{DOMAIN}", "CNAME", "other.elsewhere.example")
    assert run(*wanted, "other").code == 2
    (tmp_path / "key.pem").unlink()
    assert samples.snapshot(run.root) == before


def test_a_private_key_leaves_only_when_asked_for_twice(
    run: Run, clock: list[datetime], tmp_path: Path
) -> None:
    run("dkim", "generate", DOMAIN)
    out = tmp_path / "out.pem"
    wanted = ["dkim", "export", DOMAIN, "s1", "--out", str(out)]
    refused = run(*wanted)
    assert (refused.code, out.exists(), f"--confirm {DOMAIN}" in refused.err) == (2, False, True)
    assert run(*wanted, "--confirm", DOMAIN, "--reason", "moving out").code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert dkim_keys.read(out.read_bytes())[0] is Algorithm.RSA
    assert run(*wanted, "--confirm", DOMAIN, "--reason", "again").code == 2
    assert "moving out" in run("dkim", "show", DOMAIN).out
    assert stat.S_IMODE((run.root / "audit.jsonl").stat().st_mode) == 0o600
    assert "PRIVATE" not in (run.root / "audit.jsonl").read_text()
