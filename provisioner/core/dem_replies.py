"""What the world says of a newsletter afterwards: that it could not be delivered, or is not wanted. Pure."""

from __future__ import annotations

from datetime import datetime
from email import message_from_bytes, message_from_string, policy
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime, make_msgid

_TEXTS = {"delivery-status": "This message could not be delivered.\n", "feedback-report": "This is spam.\n"}


def return_path(raw: bytes) -> str:
    """Where what is said of a mail goes, as the server that took it noted; empty when nowhere."""
    return str(message_from_bytes(raw)["Return-Path"] or "").strip("<> ")


def failure(raw: bytes, recipient: str, reporter: str, now: datetime) -> bytes:
    """A delivery status notification (RFC 3464): a server that took the mail finds the mailbox gone."""
    fields = (
        f"Reporting-MTA: dns; {reporter}\n"
        f"Arrival-Date: {format_datetime(now)}\n\n"
        f"Final-Recipient: rfc822; {recipient}\n"
        "Action: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 mailbox was removed\n"
    )
    return _report(raw, "delivery-status", fields, f"MAILER-DAEMON@{reporter}", "Undelivered mail", now)


def complaint(raw: bytes, recipient: str, reporter: str, now: datetime) -> bytes:
    """A feedback report (RFC 5965): a reader pressed the spam button."""
    sender = return_path(raw)
    fields = (
        "Feedback-Type: abuse\nUser-Agent: provisioner/1\nVersion: 1\n"
        f"Original-Mail-From: <{sender}>\nOriginal-Rcpt-To: <{recipient}>\n"
        f"Arrival-Date: {format_datetime(now)}\nReporting-MTA: dns; {reporter}\n"
    )
    return _report(raw, "feedback-report", fields, f"feedback@{reporter}", "Complaint", now)


def stranger(to: str, server: str, now: datetime) -> bytes:
    """Mail for a mailing list from somebody who is not on it, and whose domain did not sign it."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = f"nobody@{server}"
    message["To"] = to
    message["Subject"] = "Test by provisioner"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=server)
    message.set_content("Whether the fleet takes mail for this list. It is thrown away.\n")
    return message.as_bytes()


def _report(raw: bytes, kind: str, fields: str, sender: str, subject: str, now: datetime) -> bytes:
    """A multipart/report (RFC 6522): words for people, fields for programs, the message itself."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["To"] = return_path(raw)
    message["MIME-Version"] = "1.0"
    message.set_type("multipart/report")
    message.set_param("report-type", kind)
    words = MIMEPart(policy=policy.SMTP)
    words.set_content(_TEXTS[kind])
    facts = message_from_string(f"Content-Type: message/{kind}\n\n{fields}", policy=policy.SMTP)
    original = MIMEPart(policy=policy.SMTP)
    original["Content-Type"] = "message/rfc822"
    original.set_payload([message_from_bytes(raw, policy=policy.SMTP)])
    message.set_payload([words, facts, original])
    return message.as_bytes()
