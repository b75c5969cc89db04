"""A campaign's report as one page that needs nothing else, and mails about it, from `templates/dem`."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provisioner.adapters.templates import ROOT, environment
from provisioner.core.campaigns import KINDS, Report, table
from provisioner.core.dem import DemServer

Language = Literal["en", "it"]

_TEXTS = Environment(  # noqa: S701 - plain text
    loader=FileSystemLoader(ROOT / "dem"), undefined=StrictUndefined, keep_trailing_newline=True
)


def page(report: Report, server: DemServer, language: Language, now: datetime) -> str:
    """The report in the customer's language."""
    return (
        environment("dem")
        .get_template("report.html.j2")
        .render(report=report, server=server, language=language, now=now, kinds=KINDS)
    )


def paused(
    report: Report, server: DemServer, why: str, language: Language, sender: str, to: str, now: datetime
) -> str:
    """The mail that says that a campaign was paused, and why."""
    text = _TEXTS.get_template(f"paused.{language}.txt.j2").render(report=report, server=server, why=why)
    return _mail(text, language, sender, to, now).as_string()


def reported(
    report: Report, server: DemServer, language: Language, sender: str, to: str, now: datetime
) -> str:
    """The mail that brings a customer a campaign's report: in short, and as a page and a table."""
    text = _TEXTS.get_template(f"reported.{language}.txt.j2").render(report=report, server=server)
    message = _mail(text, language, sender, to, now)
    content = page(report, server, language, now)
    message.add_attachment(content, subtype="html", filename="report.html", cte="base64")
    message.add_attachment(table(report), subtype="csv", filename="report.csv", cte="base64")
    return message.as_string()


def _mail(text: str, language: Language, sender: str, to: str, now: datetime) -> EmailMessage:
    subject, _, body = text.partition("\n")
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
    message["Content-Language"] = language
    message.set_content(body.lstrip("\n"), cte="quoted-printable")
    return message
