"""A discussion list: its members write to it through the fleet, and nobody in their name."""

from __future__ import annotations

import json
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from provisioner.adapters.world import Received
from tests.fleet.fleet import Account, Fleet, eventually, mail
from tests.fleet.list_server.conftest import ListServer

READER = "dora@gmail.test"


@pytest.fixture(scope="module")
def team(fleet: Fleet, server: ListServer, sender: Account) -> str:
    """The address of a discussion among two, of whom one is another customer of the fleet."""
    host = server.told["host"]
    members = [READER, f"tester@{sender.domain}"]
    questions = {
        "list-create": {"name": "team", "subject": "Team", "kind": "discussion"},
        "subscribe": {"list": "team", "emails": members, "declaration": "they asked at the counter"},
    }
    for verb, question in questions.items():
        fleet.shell(host, f"echo '{json.dumps(question)}' | provisioner-dem {verb}")
    return f"team@{server.domain}"


def world_writes(fleet: Fleet, message: EmailMessage, to: str) -> None:
    """Hand a message to the fleet as the world does, unsigned. Raises smtplib's errors."""
    with smtplib.SMTP(str(fleet.inventory.settings.virtual_address), 25, timeout=60) as smtp:
        smtp.sendmail(str(message["From"].addresses[0].addr_spec), [to], message.as_bytes())


def log(fleet: Fleet, server: ListServer) -> str:
    return fleet.shell(server.told["host"], "grep -h 'relay=posted' /var/log/postfix.log || true")


def test_what_a_member_writes_comes_to_all_as_the_lists_mail(
    fleet: Fleet, server: ListServer, team: str, sender: Account, since: float
) -> None:
    message = mail(sender.domain, [team])
    with fleet.session(sender) as session:
        session.send(f"tester@{sender.domain}", [team], message)

    def look() -> Received | None:
        mine = [each for each in fleet.world_received(since) if each.message_id == message["Message-ID"]]
        return next((each for each in mine if each.recipient == READER), None)

    came = eventually(look, f"the post at {READER}")
    read = message_from_bytes(came.raw, policy=policy.default)
    assert read["From"].addresses[0].addr_spec == team
    assert "Tester" in read["From"].addresses[0].display_name
    assert read["Reply-To"].addresses[0].addr_spec == f"tester@{sender.domain}"
    assert read["List-Post"] == f"<mailto:{team}>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read["X-Provisioner-Author"] is None
    proof = fleet.proof_of(came)
    assert (proof.spf, proof.dmarc, set(proof.dkim.values())) == ("pass", "pass", {"pass"})


def test_nobody_writes_in_a_members_name(
    fleet: Fleet, server: ListServer, team: str, sender: Account, since: float
) -> None:
    forged, strange = mail(sender.domain, [team]), mail("gmail.test", [team])
    forged["X-Provisioner-Author"] = "member"
    for message in (forged, strange):
        world_writes(fleet, message, team)
    expected = ("tester@gmail.test is no member", f"from tester@{sender.domain}, doubt")
    eventually(lambda: all(words in log(fleet, server) for words in expected), " and ".join(expected))
    held = "ls /var/spool/sympa/moderation || true"
    eventually(lambda: team in fleet.shell(server.told["host"], held) or None, "one for a moderator")
    identities = {message["Message-ID"] for message in (forged, strange)}
    readers = [each for each in fleet.world_received(since) if each.recipient == READER]
    assert {each.message_id for each in readers}.isdisjoint(identities)


@pytest.mark.parametrize("name", ["news", "nobody", "no.body"])
def test_what_is_no_discussion_takes_no_mail(fleet: Fleet, server: ListServer, team: str, name: str) -> None:
    to = f"{name}@{server.domain}"
    with pytest.raises((smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused)) as refused:
        world_writes(fleet, mail("gmail.test", [to]), to)
    assert "550" in str(refused.value)


def test_the_check_of_the_server_looks_at_it(fleet: Fleet, server: ListServer, team: str) -> None:
    found = json.loads(fleet.cli("dem", "check", server.customer, "--readers", "20", "--json").stdout)
    (posts,) = [each for each in found if each["id"] == "posts"]
    assert (posts["status"], posts["seen"]) == ("pass", "1 of 1 take mail, what is no list does not")
