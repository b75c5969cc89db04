"""Messages that this tool writes: newsletters, and reports in the form that every bounce manager reads."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from secrets import token_hex

from provisioner_dem.returns import Bounce
from provisioner_dem.settings import Settings
from provisioner_dem.software import Newsletter

ENCLOSED = 1_048_576
"""Bytes of somebody's mail that are passed on."""
_KEPT = 65_536
"""Bytes of the original bounce that are kept with the report."""


def compose(settings: Settings, to: str, newsletter: Newsletter) -> bytes:
    """A newsletter as RFC 5322 has it."""
    message = EmailMessage(policy=SMTP.clone(linesep="\n"))
    message["From"] = Address(settings.title, addr_spec=settings.sender)
    message["To"] = to
    message["Subject"] = newsletter.subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=settings.site)
    message.set_content(newsletter.text or newsletter.html, subtype="plain" if newsletter.text else "html")
    if newsletter.text and newsletter.html:
        message.add_alternative(newsletter.html, subtype="html")
    return message.as_bytes()


def passed_on(settings: Settings, recipient: str, message: bytes) -> bytes:
    """Somebody's mail for one who looks after the domain, enclosed: the fleet sends nothing From: others."""
    letter = EmailMessage(policy=SMTP.clone(linesep="\n"))
    letter["From"] = Address(settings.title, addr_spec=settings.sender)
    letter["To"] = settings.admin
    letter["Subject"] = f"Mail to {recipient}"
    letter["Date"] = formatdate(localtime=True)
    letter["Message-ID"] = make_msgid(domain=settings.site)
    letter["Auto-Submitted"] = "auto-forwarded"
    cut = " Its first part is enclosed." if len(message) > ENCLOSED else ""
    letter.set_content(f"This came to {recipient}.{cut}\n")
    letter.add_attachment(
        message[:ENCLOSED], maintype="application", subtype="octet-stream", filename="message.eml"
    )
    return letter.as_bytes()


def report(bounce: Bounce, to: str, host: str, original: bytes) -> bytes:
    """A delivery status notification (RFC 3464) that says what a bounce of any shape was found to mean."""
    mark = f"=_{token_hex(16)}"
    head = (
        f"From: MAILER-DAEMON@{host} (Mail Delivery System)",
        f"To: {to}",
        "Subject: Undelivered",
        f"Date: {formatdate(localtime=True)}",
        f"Message-ID: {make_msgid('bounce', host)}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{mark}"',
    )
    status = (
        f"Reporting-MTA: dns; {host}\n\nFinal-Recipient: rfc822; {bounce.recipient}\n"
        f"Action: failed\nStatus: {bounce.status}\n"
    )
    text = original[:_KEPT].decode("ascii", "replace").replace("\ufffd", "?").replace("\r\n", "\n")
    parts = (
        ("text/plain", f"{bounce.recipient}: {bounce.kind}\n"),
        ("message/delivery-status", status),
        ("text/plain", text),
    )
    body = "".join(f"--{mark}\nContent-Type: {kind}\n\n{content}\n" for kind, content in parts)
    return ("\n".join(head) + f"\n\n{body}--{mark}--\n").encode("ascii", "replace")
