"""`provisioner customer sheet`: what a customer gets to read."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import sheet_files
from provisioner.cli import output
from provisioner.cli.context import context
from provisioner.cli.customer import app
from provisioner.core.errors import UsageError
from provisioner.core.sheet import sheet as make_sheet
from provisioner.workflows.customer import known


class Language(StrEnum):
    """Of the sheet."""

    EN = "en"
    IT = "it"


class Format(StrEnum):
    """Of the sheet."""

    MD = "md"
    HTML = "html"
    PDF = "pdf"


@app.command()
def sheet(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The customer.")],
    lang: Annotated[Language | None, typer.Option(help="Its language; else the customer's.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="Markdown, a web page, or PDF.")] = Format.MD,
    to: Annotated[Path | None, typer.Option("--to", help="A file, instead of standard output.")] = None,
) -> None:
    """Write the hand-over sheet: server, ports, logins, plan, and the DNS records to publish."""
    inventory = context(ctx).load()
    customer = known(inventory, name)
    facts = make_sheet(inventory, customer, lang.value if lang else customer.language)
    if format_ is Format.PDF:
        content = sheet_files.pdf(facts)
    else:
        content = (sheet_files.html if format_ is Format.HTML else sheet_files.markdown)(facts).encode()
    if to is not None:
        to.write_bytes(content)
        output.say(f"Written to {to}")
    elif format_ is Format.PDF and sys.stdout.isatty():
        raise UsageError("A PDF is nothing for a terminal", hint=f"Name a file: --to {name}.pdf")
    else:
        sys.stdout.buffer.write(content)
