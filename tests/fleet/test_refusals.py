"""Property 2: nobody uses another's name, and nobody the fleet without one. Refused while still connected."""

from __future__ import annotations

import smtplib
import uuid
from email.message import EmailMessage

import pytest

from provisioner.adapters.submission import Refused
from tests.fleet.fleet import Account, Fleet, eventually, mail

TO = f"victim-{uuid.uuid4().hex}@gmail.test"


def refusal(
    fleet: Fleet,
    account: Account,
    message: EmailMessage | bytes,
    sender: str,
    recipients: list[str] | None = None,
) -> Refused:
    with fleet.session(account) as session, pytest.raises(Refused) as caught:
        session.send(sender, recipients or [TO], message)
    return caught.value


def test_a_wrong_password(fleet: Fleet, sender: Account) -> None:
    with fleet.session() as session, pytest.raises(Refused) as caught:
        session.login(sender.login, "wrong")
    assert caught.value.code == 535


def test_a_foreign_sender(fleet: Fleet, sender: Account) -> None:
    refused = refusal(fleet, sender, mail(sender.domain, [TO]), "ceo@acme.example")
    assert refused.code == 553
    assert "not owned by user tester" in refused.text


@pytest.mark.parametrize(
    "author",
    [
        "ceo@acme.example",
        "Boss <ceo@ACME.example>",
        "a@initech.example, b@acme.example",
        '"t@initech.example" <ceo@acme.example>',
        "ceo@sub.initech.example",
        "undisclosed:;",
    ],
)
def test_a_foreign_author(fleet: Fleet, sender: Account, author: str, since: float) -> None:
    raw = f"From: {author}\r\nTo: <{TO}>\r\nMessage-ID: <{since}@forged>\r\n\r\nx\r\n".encode()
    refused = refusal(fleet, sender, raw, f"bounce@{sender.domain}")
    assert refused.code == 554
    assert refused.stage == "the message"


def test_two_authors_headers(fleet: Fleet, sender: Account) -> None:
    raw = f"From: <t@{sender.domain}>\r\nFrom: <ceo@acme.example>\r\nTo: <{TO}>\r\n\r\nx\r\n".encode()
    refused = refusal(fleet, sender, raw, f"bounce@{sender.domain}")
    assert (refused.code, "exactly one From" in refused.text) == (554, True)


def test_no_author_at_all(fleet: Fleet, sender: Account) -> None:
    """With a sender, Postfix writes the sender as author, which is theirs; without, nobody's."""
    raw = f"To: <{TO}>\r\nSubject: x\r\n\r\nx\r\n".encode()
    assert refusal(fleet, sender, raw, "").code == 554


def test_a_domain_without_an_active_key(fleet: Fleet, unsigned: Account) -> None:
    refused = refusal(fleet, unsigned, mail(unsigned.domain, [TO]), f"bounce@{unsigned.domain}")
    assert (refused.code, "no DKIM key" in refused.text) == (554, True)


def test_a_message_over_the_size_limit(fleet: Fleet, sender: Account) -> None:
    limit = fleet.inventory.settings.message_size_limit
    raw = mail(sender.domain, [TO]).as_bytes() + b"x" * 76 + b"\r\n"
    raw += (b"x" * 76 + b"\r\n") * (limit // 78)
    assert refusal(fleet, sender, raw, f"bounce@{sender.domain}").code == 552


def test_more_recipients_than_allowed(fleet: Fleet, sender: Account) -> None:
    many = [f"r{number}@gmail.test" for number in range(fleet.inventory.settings.recipient_limit + 1)]
    refused = refusal(fleet, sender, mail(sender.domain, many[:1]), f"bounce@{sender.domain}", many)
    assert refused.code == 452
    assert refused.stage == f"recipient {many[-1]}"


def plain(fleet: Fleet, port: int) -> smtplib.SMTP:
    return smtplib.SMTP(str(fleet.inventory.settings.virtual_address), port, timeout=30)


def test_no_password_without_tls(fleet: Fleet, sender: Account) -> None:
    with plain(fleet, 587) as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("auth")
        assert smtp.docmd("AUTH", "PLAIN AHRlc3RlcgBzZWNyZXQ=")[0] in {502, 503, 530}
        assert smtp.docmd("MAIL", f"FROM:<x@{sender.domain}>")[0] == 530


def test_no_login_at_all_on_25(fleet: Fleet) -> None:
    with plain(fleet, 25) as smtp:
        smtp.starttls()
        smtp.ehlo()
        assert not smtp.has_extn("auth")


@pytest.mark.parametrize("recipient", [TO, "user%gmail.test@operator.example", "x@operator.example"])
def test_no_open_relay_on_25(fleet: Fleet, recipient: str) -> None:
    with plain(fleet, 25) as smtp:
        smtp.ehlo()
        assert smtp.mail("someone@gmail.test")[0] == 250
        assert smtp.rcpt(recipient)[0] // 100 == 5


def test_no_open_relay_on_587(fleet: Fleet, sender: Account) -> None:
    with fleet.session() as session, pytest.raises(Refused) as caught:
        session.send(f"x@{sender.domain}", [TO], mail(sender.domain, [TO]))
    assert caught.value.code // 100 == 5
    assert caught.value.stage == f"recipient {TO}"


def test_nothing_refused_was_queued_or_delivered(fleet: Fleet) -> None:
    inbox = fleet.shell("world1", f"world-mail list {TO}")
    assert inbox == ""
    for host in fleet.inventory.group("backends"):
        assert TO not in fleet.on(host.name, "postqueue", "-j").text
        # Neither may it have been there for a moment; what was refused stands in the log with to= as well.
        tried = fleet.on(host.name, "grep", "-F", f": to=<{TO}>, relay=", "/var/log/mail.log")
        assert (tried.status, tried.text) == (1, "")


def test_what_looks_for_the_refused_finds_what_was_not(fleet: Fleet, sender: Account) -> None:
    """Else the test before would pass whatever happened."""
    recipient = f"accepted-{uuid.uuid4().hex}@gmail.test"
    message = mail(sender.domain, [recipient])
    with fleet.behaviour(recipient, "defer"):
        with fleet.session(sender) as session:
            session.send(f"bounce@{sender.domain}", [recipient], message)
        backends = [host.name for host in fleet.inventory.group("backends")]

        def seen(*command: str) -> bool:
            return any(recipient in fleet.on(name, *command).text for name in backends)

        eventually(lambda: seen("postqueue", "-j"), "the message in a queue")
        pattern = f": to=<{recipient}>, relay="
        eventually(lambda: seen("grep", "-F", pattern, "/var/log/mail.log"), "an attempt in a log")
