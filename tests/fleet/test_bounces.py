"""What comes back to return paths: found by backends themselves, or sent by the world later."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage, Message
from email.utils import format_datetime

import pytest

from provisioner.adapters.submission import Refused
from provisioner.adapters.tenant_files import TenantFiles
from tests.fleet.fleet import LAB, Account, Fleet, eventually, mail

TAG = "8f3a01c2"
SECONDS = 60.0
"""Until an address is on the list; in an idle lab it takes two, and a busy machine fails no test."""


@pytest.fixture(scope="module")
def owner(fleet: Fleet) -> Iterator[Account]:
    """A dedicated account with return paths, and no list server."""
    account = fleet.add_customer("returning", "returning.hooli.example", sends=True)
    files = TenantFiles(LAB)
    with files.locked():
        before = files.load().customer(account.customer)
        assert before is not None
        tagged = tuple(each.model_copy(update={"return_tag": TAG}) for each in before.accounts)
        files.update_customer(before, before.model_copy(update={"accounts": tagged}))
    fleet.done("customer", "push")
    yield account
    fleet.done("customer", "remove", account.customer, "--yes")


def fresh(what: str, domain: str = "gmail.test") -> str:
    """An address that no other test knows; with a plus sign, as people use."""
    return f"{what}+{time.time_ns()}@{domain}"


def path_of(fleet: Fleet, login: str, recipient: str, tag: str = TAG) -> str:
    user, _, domain = recipient.rpartition("@")
    return f"{login}.news.{tag}+{user}={domain}@{fleet.inventory.settings.bounce_domain}"


def world_writes(fleet: Fleet, recipient: str, message: Message, sender: str = "") -> None:
    """Deliver a message to the fleet as the world does. Raises smtplib's errors."""
    with smtplib.SMTP(str(fleet.inventory.settings.virtual_address), 25, timeout=30) as smtp:
        smtp.sendmail(sender, [recipient], message.as_bytes())


def listed(fleet: Fleet, customer: str, address: str) -> dict[str, str] | None:
    entries = json.loads(fleet.done("suppression", "list", customer, "--json"))
    return next((entry for entry in entries if entry["address"] == address), None)


def soon_listed(fleet: Fleet, customer: str, address: str) -> dict[str, str]:
    begun = time.monotonic()
    entry = eventually(lambda: listed(fleet, customer, address), f"{address} on the list", SECONDS)
    print(f"{address} on the list after {time.monotonic() - begun:.1f} s")
    return entry


def delivered(fleet: Fleet, account: Account, recipient: str, since: float) -> None:
    message = mail(account.domain, [recipient])
    with fleet.session(account) as session:
        session.send(path_of(fleet, account.login, recipient), [recipient], message)
    fleet.arrived(message["Message-ID"], since)


def handled(fleet: Fleet, recipient: str) -> str:
    """What a bounce service said of a message for a recipient, once one has it."""

    def look() -> str | None:
        command = ("journalctl", "-u", "provisioner-bounces", "-o", "cat", "--no-pager", "-n", "200")
        said = [fleet.on(host.name, *command).text for host in fleet.inventory.group("backends")]
        lines = [line for text in said for line in text.splitlines() if f" to {recipient} of " in line]
        return lines[0] if lines else None

    return eventually(look, f"{recipient} at a bounce service", SECONDS)


def report(kind: str, parts: list[tuple[str, str]]) -> EmailMessage:
    """A multipart/report (RFC 6522)."""
    boundary = "the-boundary"
    body = "".join(f"--{boundary}\r\nContent-Type: {what}\r\n\r\n{text}\r\n" for what, text in parts)
    message = EmailMessage()
    message["From"] = "Mail Delivery System <mailer-daemon@gmail.test>"
    message["Subject"] = "Report"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = f'multipart/report; report-type={kind}; boundary="{boundary}"'
    message.set_payload(f"{body}--{boundary}--\r\n")
    return message


def notification(recipient: str) -> EmailMessage:
    """What a receiver sends that took the mail an hour ago, and can't store it (RFC 3464)."""
    then = format_datetime(datetime.now(UTC) - timedelta(hours=1))
    status = (
        f"Reporting-MTA: dns; mx.gmail.test\r\nArrival-Date: {then}\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user after all\r\n"
    )
    parts = [("text/plain", "Your message could not be stored.\r\n"), ("message/delivery-status", status)]
    return report("delivery-status", parts)


def complaint(recipient: str) -> EmailMessage:
    """A complaint of a reader (RFC 5965)."""
    fields = "Feedback-Type: abuse\r\nUser-Agent: Button/1.0\r\nVersion: 1\r\n"
    original = f"From: news@hooli.example\r\nTo: {recipient}\r\nSubject: News\r\n\r\nNews\r\n"
    parts = [
        ("text/plain", "This is an email abuse report.\r\n"),
        ("message/feedback-report", fields),
        ("message/rfc822", original),
    ]
    return report("feedback-report", parts)


def test_who_is_rejected_is_written_to_no_more_within_seconds(fleet: Fleet, owner: Account) -> None:
    gone = fresh("gone")
    message = mail(owner.domain, [gone])
    with fleet.behaviour(gone, "reject"), fleet.session(owner) as session:
        session.send(path_of(fleet, owner.login, gone), [gone], message)
        entry = soon_listed(fleet, owner.customer, gone)
        assert entry["reason"] == "bounce"
        assert entry["note"].startswith("5.1.1 ")
        time.sleep(1.1)  # the first entry of a list counts after a second
        with pytest.raises(Refused, match=r"suppression list of returning: bounce on .*5\.1\.1"):
            session.send(path_of(fleet, owner.login, gone), [gone], mail(owner.domain, [gone]))


def test_a_report_that_comes_an_hour_later_counts_as_well(fleet: Fleet, owner: Account, since: float) -> None:
    late = fresh("late")
    delivered(fleet, owner, late, since)
    assert listed(fleet, owner.customer, late) is None
    world_writes(fleet, path_of(fleet, owner.login, late), notification(late))
    assert soon_listed(fleet, owner.customer, late)["note"] == "5.1.1 550 5.1.1 no such user after all"


def test_a_complaint_counts_at_once(fleet: Fleet, owner: Account, since: float) -> None:
    angry = fresh("angry", "yahoo.test")
    delivered(fleet, owner, angry, since)
    path = path_of(fleet, owner.login, angry)
    world_writes(fleet, path, complaint(angry), "feedback@yahoo.test")
    assert soon_listed(fleet, owner.customer, angry)["reason"] == "complaint"


def test_an_answer_of_a_machine_does_nothing(fleet: Fleet, owner: Account) -> None:
    away = fresh("away")
    answer = mail("gmail.test", [away], From=away, Auto_Submitted="auto-replied")
    answer.replace_header("Subject", "I am away")
    answer.set_content("This is the Postfix program at host x.\n\n<x@y.test>: 550 5.1.1 no such user\n")
    world_writes(fleet, path_of(fleet, owner.login, away), answer, away)
    assert ": autoreply" in handled(fleet, away)
    assert listed(fleet, owner.customer, away) is None


def test_what_was_made_up_is_refused(fleet: Fleet, owner: Account, sender: Account) -> None:
    victim = fresh("victim")
    for login, tag in ((owner.login, "00000000"), (sender.login, TAG), ("nobody", TAG)):
        path = path_of(fleet, login, victim, tag)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            world_writes(fleet, path, notification(victim))
        assert refused.value.recipients[path][0] == 550
    assert listed(fleet, owner.customer, victim) is None


def test_an_account_sends_from_its_own_return_paths_alone(
    fleet: Fleet, owner: Account, sender: Account
) -> None:
    reader = fresh("reader")
    theirs = path_of(fleet, owner.login, reader)
    with fleet.session(sender) as session, pytest.raises(Refused) as refused:
        session.send(theirs, [reader], mail(sender.domain, [reader]))
    assert refused.value.code == 553
    wrong = path_of(fleet, owner.login, reader, "00000000")
    with fleet.session(owner) as session, pytest.raises(Refused) as refused:
        session.send(wrong, [reader], mail(owner.domain, [reader]))
    assert refused.value.code == 553
