"""What servers of the world say of a newsletter: as programs that know these formats read it."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

from provisioner.core.dem_replies import complaint, failure, return_path

BACK = "acme-dem.news.8f3a01c2+anna=gmail.test@bounce.operator.example"
RAW = f"Return-Path: <{BACK}>\r\nFrom: a@acme.example\r\nTo: anna@gmail.test\r\n\r\nhello\r\n".encode()
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def test_a_failure_is_a_delivery_status_notification() -> None:
    message: Any = message_from_bytes(failure(RAW, "anna@gmail.test", "world1.example", NOW))
    assert (message.get_content_type(), message.get_param("report-type")) == (
        "multipart/report", "delivery-status",
    )  # fmt: skip
    _, status, original = message.get_payload()
    whole, recipient = status.get_payload()
    assert whole["Reporting-MTA"] == "dns; world1.example"
    assert (recipient["Final-Recipient"], recipient["Action"], recipient["Status"]) == (
        "rfc822; anna@gmail.test", "failed", "5.1.1",
    )  # fmt: skip
    assert original.get_content_type() == "message/rfc822"
    assert message["To"] == return_path(RAW) == BACK


def test_a_complaint_is_a_feedback_report() -> None:
    message: Any = message_from_bytes(complaint(RAW, "anna@gmail.test", "world1.example", NOW))
    assert message.get_param("report-type") == "feedback-report"
    _, report, original = message.get_payload()
    assert report.get_content_type() == "message/feedback-report"
    fields = report.get_payload()[0]
    assert (fields["Feedback-Type"], fields["Original-Rcpt-To"]) == ("abuse", "<anna@gmail.test>")
    assert BACK in fields["Original-Mail-From"]
    assert original.get_payload()[0].get_payload().strip() == "hello"


def test_mail_without_a_way_back() -> None:
    assert return_path(b"Return-Path: <>\r\n\r\n") == return_path(b"From: a@b.example\r\n\r\n") == ""
