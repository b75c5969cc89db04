"""Keys change under mail that goes on; whatever is in doubt, away or killed, no mail fails to verify."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from functools import cache
from shlex import quote
from typing import Any

import pytest

from provisioner.adapters import dkim_verify
from provisioner.adapters.blocking import Blocking
from provisioner.adapters.resolver import Authorities
from provisioner.adapters.world import Received
from tests.fleet.fleet import LAB, ROOT, Account, Fleet, eventually, mail
from tests.fleet.paced import Paced

DOMAIN = "globex.example"
KEYS = "/var/lib/provisioner/keys"
STRAY = "0" * 64
TTL = 2
"""Seconds: more than records of the lab live, and than its zones' negative answers."""
RATE = 50
UNSUBSCRIBE = {
    "List_Unsubscribe": f"<https://{DOMAIN}/u>",
    "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
}
SHORT = "fleet_queue_lifetime: 1s\nfleet_dkim_retirement: 3s\n"


@pytest.fixture(scope="module", autouse=True)
def short_lives() -> Iterator[None]:
    """What takes days takes seconds here."""
    file = LAB / "group_vars/all/fleet.yml"
    text = file.read_text()
    file.write_text(text + SHORT)
    yield
    file.write_text(text)


@pytest.fixture(scope="module")
def account(fleet: Fleet) -> Iterator[Account]:
    yield fleet.add_customer("rotating", DOMAIN, sends=True)
    fleet.done("customer", "remove", "rotating", "--yes")


def slots(fleet: Fleet) -> dict[int, str]:
    (facts,) = json.loads(fleet.done("dkim", "status", DOMAIN, "--json"))
    return {slot["slot"]: slot["state"] for slot in facts["slots"]}


def coming_keys(fleet: Fleet, before: int) -> tuple[int, str, str]:
    """Begin a rotation: the slot of the coming keys, the id of its RSA key, and that of the one before."""
    fleet.done("dkim", "rotate", DOMAIN, "--apply")
    (coming,) = [slot for slot in slots(fleet) if slot != before]
    ids = {
        each["selector"]: each["id"]
        for each in json.loads(fleet.done("dkim", "show", DOMAIN, "--json"))["keys"]
    }
    return coming, ids[f"s{coming}"], ids[f"s{before}"]


def settle(fleet: Fleet) -> int:
    """Go on until only one generation is left; its slot."""

    def alone() -> int | None:
        now = slots(fleet)
        if set(now.values()) == {"active"}:
            return next(iter(now))
        fleet.cli("dkim", "rotate", "--all-due", "--apply")
        return None

    return eventually(alone, "one generation of keys", 90)


def signatures(received: Received) -> list[list[str]]:
    """The tags of each signature, without white space."""
    headers = message_from_bytes(received.raw).get_all("DKIM-Signature") or []
    return [re.sub(r"\s+", "", str(header)).split(";") for header in headers]


def selectors(received: Received) -> set[str]:
    return {tag[2:] for tags in signatures(received) for tag in tags if tag.startswith("s=")}


def verifier(fleet: Fleet) -> Any:
    """Verifies against the authoritative servers as they are now."""
    names = Blocking(Authorities(str(fleet.inventory.settings.dns_resolver)))

    @cache
    def txt(name: str) -> bytes | None:
        values = names.lookup(name, "TXT").values
        return values[0].encode() if values else None

    return lambda raw: dkim_verify.verify(raw, txt)


def test_mail_goes_on_through_a_whole_rotation_and_all_of_it_verifies(fleet: Fleet, account: Account) -> None:
    before = settle(fleet)
    with Paced(fleet, account, RATE) as stream:
        time.sleep(2)
        fleet.done("dkim", "rotate", DOMAIN, "--apply", "--wait", "--timeout", "120")
        time.sleep(2)
    assert not stream.refused
    wanted = set(stream.sent)

    def all_arrived() -> list[Received] | None:
        found = [each for each in fleet.world_received(stream.since) if each.message_id in wanted]
        return found if len({each.message_id for each in found}) == len(wanted) else None

    received = eventually(all_arrived, "every mail", 120)
    at_arrival = Counter(tuple(sorted(fleet.proof_of(each).dkim.items())) for each in received)
    assert set(at_arrival) == {(("ed25519", "pass"), ("rsa", "pass"))}
    used = Counter(frozenset(selectors(each)) for each in received)
    assert len(used) == 2, used  # the generation before, and the one after; never a mixture
    verify = verifier(fleet)
    assert all(verify(each.raw) == {"rsa": True, "ed25519": True} for each in received)
    after = settle(fleet)
    assert after != before
    gone = [each for each in received if f"s{before}" in selectors(each)]
    fresh = verifier(fleet)
    assert not any(fresh(gone[0].raw).values())
    print(f"{len(wanted)} mails at {len(wanted) / stream.seconds:.0f}/s: {dict(used)}")


def test_a_signer_that_is_away_holds_the_keys_until_it_is_back(fleet: Fleet, account: Account) -> None:
    before = settle(fleet)
    lab, substrate = fleet.machines.lab, fleet.machines.substrate
    substrate.podman("exec", lab.container("be2"), "systemctl", "stop", "ssh")
    try:
        held = fleet.cli("dkim", "rotate", DOMAIN, "--apply")
        assert (held.returncode, "be2" in held.stderr) == (3, True), held.stderr
        assert sorted(slots(fleet).values()) == ["active", "distributed"]
    finally:
        substrate.podman("exec", lab.container("be2"), "systemctl", "start", "ssh")
    fleet.done("dkim", "rotate", DOMAIN, "--apply", "--wait", "--timeout", "120")
    assert settle(fleet) != before


def test_a_run_that_is_killed_at_any_step_is_completed_by_the_next(fleet: Fleet, account: Account) -> None:
    before = settle(fleet)
    command = [sys.executable, "-m", "provisioner", "-i", str(LAB), "dkim", "rotate", "--apply"]
    killed, what = 0, DOMAIN
    for _ in range(60):
        noted = steps()
        run = subprocess.Popen([*command, what], cwd=ROOT, stdout=subprocess.DEVNULL)
        while run.poll() is None and steps() == noted:
            time.sleep(0.005)
        time.sleep(0.15 * (killed % 5))  # before a step is noted, and after
        if run.poll() is None:
            os.kill(run.pid, signal.SIGKILL)
            killed += 1
        run.wait()
        now = slots(fleet)
        if before not in now:
            break
        if len(now) > 1:
            what = "--all-due"  # another rotation is not to be begun
    assert killed >= 4
    assert settle(fleet) != before


def steps() -> int:
    """Steps of the domain's keys in the audit log."""
    return (LAB / "audit.jsonl").read_text().count(f'"subject": "{DOMAIN} slot')


def test_a_signer_with_another_key_in_its_place_holds_the_keys(fleet: Fleet, account: Account) -> None:
    before = settle(fleet)
    coming, wrong, right = coming_keys(fleet, before)
    fleet.shell("be2", f"cd {KEYS} && mv {wrong}.pem /root/ && cp -p {right}.pem {wrong}.pem")
    time.sleep(TTL)  # until a second look at DNS is due
    held = fleet.cli("dkim", "rotate", DOMAIN, "--apply")
    assert (held.returncode, "have not shown these keys: be2" in held.stderr) == (3, True), held.stderr
    assert slots(fleet) == {before: "active", coming: "verified"}
    fleet.shell("be2", f"cd {KEYS} && cp -p {right}.pem {STRAY}.pem")
    drift = fleet.cli("dkim", "check", DOMAIN)
    assert drift.returncode == 1
    assert f"{DOMAIN} s{coming} at be2" in drift.stderr
    assert f"{STRAY[:16]} at be2" in drift.stderr
    assert "be1" not in drift.stderr
    fleet.shell("be2", f"mv /root/{wrong}.pem {KEYS}/")
    fleet.done("dkim", "rotate", DOMAIN, "--apply", "--wait", "--timeout", "120")
    assert settle(fleet) == coming


def test_a_signer_that_fails_after_the_switch_is_found_by_the_probe_and_all_go_back(
    fleet: Fleet, account: Account, since: float
) -> None:
    before = settle(fleet)
    coming, wrong, right = coming_keys(fleet, before)
    # The disk changes under the signer, in the moment in which it is told to sign.
    tamper = f"cd {KEYS} && cp -p {right}.pem /root/ && for _ in $(seq 6000); do if grep -q " + (
        f'\'^{DOMAIN} .*"selector":"s{coming}"\' ../tenants/current/domains; '
        f"then cat /root/{right}.pem > {wrong}.pem; break; fi; sleep 0.02; done"
    )
    fleet.shell("be2", f"systemd-run --quiet --collect bash -c {quote(tamper)}")
    failed = fleet.cli("dkim", "rotate", DOMAIN, "--apply", "--wait", "--timeout", "120")
    assert failed.returncode == 1
    assert "probe through be2: the signature with" in failed.stderr
    assert "going back to the keys before" in failed.stderr
    assert slots(fleet) == {before: "active", coming: "retiring"}
    with fleet.session(account) as session:
        message = mail(DOMAIN, ["reader@gmail.test"])
        session.send(f"bounce@{DOMAIN}", ["reader@gmail.test"], message)
    arrived = fleet.arrived(str(message["Message-ID"]), since)
    assert selectors(arrived) == {f"s{before}", f"e{before}"}
    assert fleet.proof_of(arrived).dkim == {"rsa": "pass", "ed25519": "pass"}
    settle(fleet)
    fleet.done("dkim", "check", DOMAIN, "--private")


def test_leaked_keys_are_revoked_as_soon_as_others_sign(fleet: Fleet, account: Account) -> None:
    before = settle(fleet)
    keys = json.loads(fleet.done("dkim", "show", DOMAIN, "--json"))["keys"]
    leaked = {each["id"] for each in keys if each["slot"] == before}
    reason = ["--emergency", "--reason", "test"]
    fleet.done("dkim", "rotate", DOMAIN, "--apply", "--wait", "--timeout", "120", *reason)
    assert slots(fleet).get(before) in {"revoked", None}
    for backend in ("be1", "be2"):
        assert not leaked & set(
            fleet.shell(backend, "ls /var/lib/provisioner/keys").replace(".pem", "").split()
        )
    assert settle(fleet) != before


def test_names_below_a_domain_sign_as_it_where_the_customer_may(
    fleet: Fleet, account: Account, since: float
) -> None:
    settle(fleet)
    file = LAB / "customers/rotating.yml"
    text = file.read_text()
    sender = f"News <news@shop.{DOMAIN}>"
    with fleet.session(account) as session:
        refused = mail(DOMAIN, ["reader@gmail.test"], From=sender)
        with pytest.raises(Exception, match="does not belong to account"):
            session.send(f"bounce@{DOMAIN}", ["reader@gmail.test"], refused)
    file.write_text(text + "subdomains: true\n")
    try:
        fleet.done("customer", "push")
        message = mail(DOMAIN, ["reader@gmail.test"], From=sender, **UNSUBSCRIBE)
        with fleet.session(account) as session:
            session.send(f"bounce@{DOMAIN}", ["reader@gmail.test"], message)
        with fleet.session(account) as session, pytest.raises(Exception, match="not owned by user"):
            session.send(f"bounce@shop.{DOMAIN}", ["reader@gmail.test"], message)
        arrived = fleet.arrived(str(message["Message-ID"]), since)
        assert fleet.proof_of(arrived).dkim == {"rsa": "pass", "ed25519": "pass"}
        for signature in signatures(arrived):
            assert {"d=globex.example", "c=relaxed/relaxed"} <= set(signature)
            assert not [tag for tag in signature if tag.startswith("l=")]
            (covered,) = [tag[2:].lower().split(":") for tag in signature if tag.startswith("h=")]
            assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(covered)
            # Signed once more than it is there: none can be added.
            assert covered.count("from") == 2
    finally:
        file.write_text(text)
        fleet.done("customer", "push")
