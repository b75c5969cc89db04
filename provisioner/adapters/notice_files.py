"""Write notices to customers, from `templates/notice`: the first line is the subject, the text follows."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import provisioner
from provisioner.core.customers import Customer
from provisioner.core.notices import UsageNotice

TEMPLATES = Path(provisioner.__file__).parent.parent / "templates" / "notice"
_ENVIRONMENT = Environment(  # noqa: S701 - plain text
    loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
)


def usage(notice: UsageNotice, customer: Customer, sender: str) -> str:
    """The message that tells a customer how much of its day is used, in its language."""
    template = _ENVIRONMENT.get_template(f"usage.{customer.language}.txt.j2")
    subject, _, text = template.render(notice=notice, usage=notice.usage, sender=sender).partition("\n")
    message = EmailMessage()
    message["From"] = sender
    message["To"] = customer.contact
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
    message["Content-Language"] = customer.language
    message.set_content(text.lstrip("\n"), cte="quoted-printable")
    return message.as_string()
