"""Mail that is as it should be goes through, signed and verified, over every part of the fleet."""

from __future__ import annotations

import json
import smtplib
from collections import Counter
from email import message_from_bytes

import pytest

from tests.fleet.fleet import Account, Fleet, eventually, mail


def test_the_main_job(fleet: Fleet) -> None:
    told = json.loads(fleet.done("lab", "prove", "--count", "60", "--json"))
    messages = told["messages"]
    assert len(messages) == 60
    assert told["doubled"] == 0
    hops = Counter(hop["by"].partition(".")[0] for each in messages for hop in each["proof"]["hops"])
    assert {"fe1", "fe2", "be1", "be2", "world1"} <= hops.keys()


def test_one_mail_that_is_missing_is_named_and_fails_it(fleet: Fleet) -> None:
    with fleet.behaviour("reader1@yahoo.test", "reject"):
        failed = fleet.cli("lab", "prove", "--count", "3", "--timeout", "10", "--json")
    assert (failed.returncode, "reader1@yahoo.test: not received" in failed.stderr) == (1, True)
    assert [bool(each["proof"]) for each in json.loads(failed.stdout)["messages"]] == [True, False, True]


@pytest.mark.parametrize("port", [465, 587])
def test_both_submission_ports(fleet: Fleet, sender: Account, since: float, port: int) -> None:
    recipient = f"port{port}@yahoo.test"
    message = mail(sender.domain, [recipient])
    with fleet.session(sender, port) as session:
        session.send(f"bounce@{sender.domain}", [recipient], message)
    received = fleet.arrived(message["Message-ID"], since)
    assert fleet.proof_of(received).faults == ()


def test_the_accounts_header_never_leaves_the_fleet(fleet: Fleet, sender: Account, since: float) -> None:
    recipient = "headers@gmail.test"
    message = mail(sender.domain, [recipient], X_Provisioner_Account="globex")
    with fleet.session(sender) as session:
        session.send(f"bounce@{sender.domain}", [recipient], message)
    received = fleet.arrived(message["Message-ID"], since)
    assert not [name for name in message_from_bytes(received.raw) if name.lower().startswith("x-provisioner")]
    assert fleet.proof_of(received).faults == ()


def test_what_a_message_forgot_is_added_and_signed(fleet: Fleet, sender: Account, since: float) -> None:
    recipient = "bare@libero.test"
    raw = f"To: <{recipient}>\r\nSubject: bare {since}\r\n\r\ntext\r\n".encode()
    with fleet.session(sender) as session:
        session.send(f"bounce@{sender.domain}", [recipient], raw)

    def found() -> bool:
        stored = [each for each in fleet.world_received(since) if each.recipient == recipient]
        return any(not fleet.proof_of(each).faults and each.message_id for each in stored)

    eventually(found, "a verified message with From, Date and Message-ID added")


def test_send_test_reports_each_hop(fleet: Fleet, sender: Account) -> None:
    arguments = ("--customer", sender.customer, "--to", "hops@gmail.test", "--json")
    told = json.loads(fleet.done("send-test", *arguments))
    hops = {hop["stage"]: hop for hop in told["hops"]}
    assert list(hops) == ["submitted", "handed over", "queued", "delivered"]
    name, _, frontend = hops["submitted"]["place"].partition(" → ")
    assert name == fleet.inventory.settings.submission_name
    assert frontend in {host.name for host in fleet.inventory.group("frontends")}
    assert hops["handed over"]["place"] == hops["queued"]["place"]
    assert hops["queued"]["place"] in {host.name for host in fleet.inventory.group("backends")}
    assert all(hop["tls"].startswith("TLSv1.") for stage, hop in hops.items() if stage != "queued")


def test_the_worlds_mail_to_postmaster_reaches_the_operator(fleet: Fleet, since: float) -> None:
    settings = fleet.inventory.settings
    message = mail("gmail.test", [f"postmaster@{settings.domain}"])
    with smtplib.SMTP(str(settings.virtual_address), 25, timeout=30) as smtp:
        smtp.sendmail("someone@gmail.test", [f"postmaster@{settings.domain}"], message.as_bytes())
    assert fleet.arrived(message["Message-ID"], since).recipient == settings.postmaster
