"""Newsletters and reports, read as others read them."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from provisioner_dem.letters import compose, passed_on, report
from provisioner_dem.returns import Bounce
from provisioner_dem.settings import Database, Settings
from provisioner_dem.software import Newsletter

SETTINGS = Settings(
    "sympa", "acme", "news.acme.example", "acme.example", 'Acme "News"', "en", "newsletter@acme.example",
    "post@acme.example", "acme-dem", "8f3a01c2", "bounce.operator.example", True, Path("c"), Path("b"), 7,
    Database("sympa", "sympa", "secret"),
)  # fmt: skip


def test_a_newsletter_has_both_forms() -> None:
    newsletter = Newsletter("news", "Perché no?", "Ciao è", "<p>Ciao è</p>")
    message = message_from_bytes(compose(SETTINGS, "news@acme.example", newsletter), policy=default)
    assert message["From"] == '"Acme \\"News\\"" <newsletter@acme.example>'
    assert message["Subject"] == "Perché no?"
    assert message["Message-ID"].endswith(f"@{SETTINGS.site}>")
    kinds = {part.get_content_type(): part.get_content().strip() for part in message.iter_parts()}
    assert kinds == {"text/plain": "Ciao è", "text/html": "<p>Ciao è</p>"}


def test_a_subject_makes_no_header_of_its_own() -> None:
    newsletter = Newsletter("news", "one", "text", "")
    text = compose(SETTINGS, "news@acme.example", newsletter).decode()
    assert text.count("Subject:") == 1
    assert message_from_bytes(text.encode(), policy=default).get_content_type() == "text/plain"


def test_what_is_passed_on_is_whole_and_from_the_customer() -> None:
    original = b"From: Anna <anna@gmail.test>\nSubject: x\n\nEi \xe8\n"
    letter = message_from_bytes(passed_on(SETTINGS, "abuse@acme.example", original), policy=default)
    assert letter["From"].addresses[0].addr_spec == SETTINGS.sender
    assert letter["To"] == SETTINGS.admin
    (enclosed,) = letter.iter_attachments()
    assert enclosed.get_content() == original


def test_any_bounce_becomes_a_report_that_says_who_and_why() -> None:
    bounce = Bounce("hard", "news", "anna@gmail.test", "5.1.1")
    original = b"Subject: \xff\r\n\r\n--b--\r\nno such user\r\n"
    message = message_from_bytes(
        report(bounce, "bounce+anna==a==gmail.test==news@acme.example", "h", original)
    )
    assert message["To"] == "bounce+anna==a==gmail.test==news@acme.example"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    parts: Any = message.get_payload()
    assert [part.get_content_type() for part in parts] == [
        "text/plain", "message/delivery-status", "text/plain"
    ]  # fmt: skip
    fields = parts[1].get_payload()[1]
    assert fields["Final-Recipient"] == "rfc822; anna@gmail.test"
    assert (fields["Action"], fields["Status"]) == ("failed", "5.1.1")


def test_settings_show_no_password() -> None:
    assert "secret" not in repr(SETTINGS)
