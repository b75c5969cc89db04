"""The readiness gate in the running fleet: live probes, drift, waiting, and what a backend needs first."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.fleet.fleet import LAB, ROOT, Account, Fleet, mail
from tests.fleet.primary import says


def verified(fleet: Fleet, *arguments: str, inventory: Path = LAB) -> tuple[int, Any]:
    """Exit code and what was found."""
    done = fleet.cli("dns", "verify", *arguments, "--json", inventory=inventory)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def of(found: Any, subject: str, check: str) -> dict[str, list[str]]:
    """By how they came out, what findings of a check are about."""
    came: dict[str, list[str]] = {}
    for each in found["reports"][subject]:
        if each["id"] == check:
            came.setdefault(each["status"], []).append(each["subject"])
    return came


def test_the_fleet_is_right_in_conversation_too(fleet: Fleet) -> None:
    code, found = verified(fleet, "--fleet", "--live")
    assert code == 0, found
    name, bounce = "smtp.operator.example", "bounce.operator.example"
    # The lab's certificates are its own authority's, which is worth a warning anywhere else.
    assert of(found, "the fleet", "tls") == {"warn": [f"{name}:{port}" for port in (25, 465, 587)]}
    assert of(found, "the fleet", "bounce-mailbox") == {"pass": [f"postmaster@{bounce}"]}
    policy = f"https://mta-sts.{bounce}/.well-known/mta-sts.txt"
    assert of(found, "the fleet", "mta-sts") == {"pass": [f"_mta-sts.{bounce}", policy]}
    assert of(found, "the fleet", "tls-rpt") == {"pass": [f"_smtp._tls.{bounce}"]}
    assert set(of(found, "the fleet", "dnssec")) == {"pass"}


def test_a_customers_mail_is_right_in_conversation_too(fleet: Fleet, sender: Account, since: float) -> None:
    path = f"returns-{time.time_ns()}@{sender.domain}"
    message = mail(sender.domain, ["reader@gmail.test"])
    with fleet.session(sender) as session:
        session.send(path, ["reader@gmail.test"], message)
    fleet.arrived(message["Message-ID"], since)
    with fleet.behaviour(path, "reject"):
        code, found = verified(fleet, sender.domain, "--live")
    assert code == 1
    assert path in of(found, sender.domain, "bounce-mailbox")["fail"]
    assert of(found, sender.domain, "one-click") == {"pass": [sender.domain]}
    (one,) = [each for each in found["reports"][sender.domain] if each["id"] == "one-click"]
    assert one["server"] == "be1; be2"


def test_what_broke_since_yesterday_is_told(fleet: Fleet, sender: Account, copy: Path) -> None:
    daily = (sender.domain, "--fleet", "--since-last")
    assert verified(fleet, *daily, inventory=copy)[0] == 0
    with says(fleet, sender.domain, f"_dmarc.{sender.domain}", "v=DMARC1; p=never"):
        code, found = verified(fleet, *daily, inventory=copy)
        assert (code, list(found["worse"])) == (1, [sender.domain])
        code, found = verified(fleet, *daily, inventory=copy)
        assert (code, found["worse"]) == (0, {})
    code, found = verified(fleet, *daily, inventory=copy)
    assert (code, list(found["better"])) == (0, [sender.domain])


def test_watching_ends_when_it_is_right(fleet: Fleet, sender: Account) -> None:
    command = [sys.executable, "-m", "provisioner", "-i", str(LAB), "dns", "verify", sender.domain, "--watch"]
    with says(fleet, sender.domain, sender.domain, "v=spf1 -all"):
        watching = subprocess.Popen(
            [*command, "--timeout", "120"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watching.stderr is not None
        assert "1 to come right: spf" in watching.stderr.readline()
    watching.communicate(timeout=120)
    assert watching.returncode == 0


def test_a_backend_is_deployed_once_spf_knows_it(fleet: Fleet) -> None:
    settings = fleet.inventory.settings
    only = fleet.host("be1").address
    with says(fleet, None, settings.spf_name, f"v=spf1 ip4:{only} -all"):
        refused = fleet.cli("deploy", "--limit", "be2")
        assert refused.returncode == 1, refused.stdout + refused.stderr
        assert "be2 (10.77.0.32): fail" in refused.stderr
        assert fleet.cli("dns", "verify", "--fleet").returncode == 1
    fleet.done("deploy", "--limit", "be2", "--check")
