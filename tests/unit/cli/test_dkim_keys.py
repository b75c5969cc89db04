"""Private keys that come, go and leave, from the command line to the inventory."""

from __future__ import annotations

import json
import stat
from datetime import datetime, timedelta
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
from provisioner.core.dkim import Algorithm
from tests import samples
from tests.unit.cli.keys import DOMAIN, facts_of, publish, signing
from tests.unit.cli.running import Run


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
    (entry,) = facts_of(run, "dkim", "show", DOMAIN)["history"]
    assert (entry["subject"], entry["why"]) == (f"{DOMAIN} slot 1", "moved in")
    assert entry["action"].startswith("mail imported as ")


def test_keys_that_go_with_their_customer_are_told_and_logged(run: Run, clock: list[datetime]) -> None:
    signing(run, clock)
    done = run("customer", "remove", "acme", "--yes")
    assert "Their records stay" in done.out
    assert "one that comes\n  14 days later withdraws" in done.out
    entry = json.loads((run.root / "audit.jsonl").read_text().splitlines()[-1])
    assert (entry["subject"], entry["why"]) == (DOMAIN, "customer acme removed")
    assert entry["action"] == "nobody's any more"
    (facts,) = facts_of(run, "dkim", "status", "--all")
    assert (facts["domain"], facts["customer"]) == (DOMAIN, None)
    assert [each["step"] for each in facts["steps"]] == ["sign with them no more"]
    clock.append(clock[-1] + timedelta(days=1))
    assert run("dkim", "rotate", "--all-due", "--apply").code == 0
    assert facts_of(run, "dkim", "status", DOMAIN)[0]["slots"][0]["state"] == "retiring"
    assert "Their records stay" not in run("customer", "remove", "globex", "--yes").out


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
