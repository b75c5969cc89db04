"""`provisioner dns`: what DNS should say, made so, and verified."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from provisioner.cli import dns_subjects, output, wiring
from provisioner.cli.commands import Subcommands
from provisioner.cli.context import context
from provisioner.core import zone_files
from provisioner.core.errors import CheckFailed, UsageError
from provisioner.core.publishing import PublishResult
from provisioner.core.records import Record
from provisioner.workflows import dns as workflow

app = typer.Typer(
    help="DNS records of customers and of the fleet.",
    no_args_is_help=True,
    cls=Subcommands,
    add_completion=False,
)

Domain = Annotated[str | None, typer.Argument(help="A customer's domain.")]
Fleet = Annotated[bool, typer.Option("--fleet", help="The fleet's own records.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(ctx: typer.Context, domain: Domain = None, fleet: Fleet = False, json: Json = False) -> None:
    """Show the records that a domain, or the fleet, needs."""
    records = workflow.expected(context(ctx).load(), _subject(domain, fleet))
    if json:
        output.as_json([dataclasses.asdict(record) for record in records])
        return
    output.table(("Zone", "Name", "Type", "Value"), [_row(record) for record in records])
    for note in dict.fromkeys(record.note for record in records if record.note):
        output.say(f"Note: {note}")


@app.command()
def publish(ctx: typer.Context, domain: Domain = None, fleet: Fleet = False, json: Json = False) -> None:
    """Publish the records in those zones that the operator's primary lets us change."""
    inventory = context(ctx).load()
    results = workflow.publish(inventory, _subject(domain, fleet), wiring.publisher(inventory))
    if json:
        output.as_json([dataclasses.asdict(result) for result in results])
    else:
        output.table(("Result", "Name", "Type", ""), [_result_row(result) for result in results])
    wrong = [result for result in results if not result.ok]
    if wrong:
        raise CheckFailed(
            f"{len(wrong)} of {len(results)} record sets were not published",
            hint="The table says why; the others are published",
        )


class Format(StrEnum):
    """How records are written down."""

    BIND = "bind"
    OCTODNS = "octodns"
    CSV = "csv"


_RENDER = {
    Format.BIND: zone_files.bind,
    Format.OCTODNS: zone_files.octodns,
    Format.CSV: zone_files.as_csv,
}


@app.command()
def export(
    ctx: typer.Context,
    domain: Domain = None,
    fleet: Fleet = False,
    format_: Annotated[Format, typer.Option("--format", help="For whom.")] = Format.BIND,
    within: Annotated[
        str | None, typer.Option("--zone", help="Another zone, such as 2.0.192.in-addr.arpa for PTR records.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="A file; else standard output.")] = None,
) -> None:
    """Write the records of a customer's domain, or of the fleet, for those who deploy DNS otherwise.

    Without DOMAIN or --fleet it is the DKIM zone: all keys of all customers. BIND: without SOA and NS, for
    $INCLUDE. octoDNS: the whole zone, so keep nothing else in it. What belongs in another zone is named;
    --zone writes that.
    """
    inventory = context(ctx).load()
    if domain and fleet:
        raise UsageError("Give a customer's domain or --fleet, not both")
    if within and not domain and not fleet:
        raise UsageError("--zone needs a customer's domain or --fleet, whose records are in it")
    zone, records, others = workflow.zone_of(inventory, domain, fleet=fleet, zone=within)
    if within and not records:
        raise UsageError(f"None of these records is in {zone}", hint="'provisioner dns show' has all")
    text = _RENDER[format_](records, zone, inventory.settings.dns_ttl)
    if others and not within:
        elsewhere = ", ".join(dict.fromkeys(each.name for each in others))
        output.note(f"Not in {zone}, so not in what is written: {elsewhere}")
    if to is None:
        print(text, end="")
        return
    dns_subjects.write(to, text)
    output.say(f"Wrote {zone} to {to}")


def _subject(domain: str | None, fleet: bool) -> str | None:
    """The domain, None for the fleet. Raises UsageError unless exactly one is asked for."""
    if bool(domain) == fleet:
        raise UsageError("Give either a customer's domain or --fleet")
    return domain


def _row(record: Record) -> tuple[str, str, str, str]:
    value = f'"{record.value}"' if record.type == "TXT" else record.value
    return record.zone.value, record.name, record.type, value


def _result_row(result: PublishResult) -> tuple[Text, str, str, str]:
    style = "green" if result.ok else "bold red"
    return Text(result.status.value, style), result.name, result.type, result.message
