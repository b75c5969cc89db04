"""`provisioner suppression`: whom a customer may write to no more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from provisioner.adapters import deliveries, suppressions
from provisioner.adapters.yaml_files import write_atomic
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.customer import Json
from provisioner.core import bounces, suppression
from provisioner.core.errors import CheckFailed, InventoryError, UsageError
from provisioner.core.fleet import Host
from provisioner.core.suppression import Entry, Reason
from provisioner.workflows.customer import known

app = typer.Typer(help="Whom customers may write to no more.", no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(help="The customer.", show_default=False)]
Addresses = Annotated[list[str], typer.Argument(help="E-mail addresses.", show_default=False)]
Why = Annotated[Reason, typer.Option(help="Why they are on the list.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    name: Name,
    reason: Annotated[Reason | None, typer.Option(help="Only those for this reason.")] = None,
    json: Json = False,
) -> None:
    """Show the list: address, reason, since when."""
    frontends = _frontends(ctx, name)
    found = [e for e in suppressions.every(frontends, name) if reason in {None, e.reason}]
    if json:
        output.as_json(found)
        return
    rows = [(each.address, each.reason.value, f"{each.at:%Y-%m-%d}", each.note) for each in found]
    output.table(("Address", "Reason", "Since", "Note"), rows)
    counts = Counter(each.reason.value for each in found)
    output.say(", ".join([f"{len(found)} addresses", *(f"{n} {why}" for why, n in counts.most_common())]))


@app.command()
def add(
    ctx: typer.Context,
    name: Name,
    addresses: Addresses,
    reason: Why = Reason.MANUAL,
    note: Annotated[str, typer.Option(help="What is known besides.")] = "",
    json: Json = False,
) -> None:
    """Have frontends refuse mail of the customer to these addresses from now on."""
    entries, faults = [], []
    for address in addresses:
        try:
            entries.append(suppression.entry(address, reason, wiring.now(), note))
        except ValueError as error:
            faults.append(f"{address}: {error}")
    if faults:
        raise UsageError("; ".join(faults))
    _add(_frontends(ctx, name), name, entries, json=json)


@app.command("import")
def import_(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="CSV with address and, if known, reason, at, note.")],
    reason: Why = Reason.MANUAL,
    check: Annotated[bool, typer.Option("--check", help="Look at the file, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Add the addresses of a file: all of them, or none and every fault with its line."""
    frontends = _frontends(ctx, name)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error
    entries, faults = suppression.parse(text, str(file), reason, wiring.now())
    if faults:
        raise InventoryError(faults, str(file))
    if check:
        output.say(f"{len(entries)} addresses, none with a fault")
        return
    _add(frontends, name, entries, json=json)


@app.command()
def collect(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One customer; else all.")] = None,
    hours: Annotated[int, typer.Option(help="Look at mail of so many hours.", min=1, max=720)] = 24,
    check: Annotated[bool, typer.Option("--check", help="Show what would be added, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Put recipients whose mailboxes are gone, as backends found, on their customers' lists. For cron.

    Doing it again adds nothing twice, and what was removed by hand comes back only by a later failure.
    """
    inventory = context(ctx).load()
    wanted = {known(inventory, name).name} if name else {each.name for each in inventory.customers}
    since = wiring.now().timestamp() - hours * 3600
    found = bounces.to_suppress(inventory, deliveries.bounces(inventory.group("backends"), since))
    found = {customer: entries for customer, entries in found.items() if customer in wanted}
    frontends = inventory.group("frontends")
    added = {
        customer: 0 if check else suppressions.add(frontends, customer, entries, lambda _: None)
        for customer, entries in found.items()
    }
    if json:
        output.as_json({"found": found, "added": added})
        return
    rows = [
        (who, each.address, f"{each.at:%Y-%m-%d %H:%M}", each.note)
        for who, some in found.items()
        for each in some
    ]
    output.table(("Customer", "Address", "Failed", "What was said"), rows)
    output.say(f"{len(rows)} gone, {sum(added.values())} added")


@app.command()
def remove(ctx: typer.Context, name: Name, addresses: Addresses, json: Json = False) -> None:
    """Take addresses off the list: the customer may write to them again."""
    frontends = _frontends(ctx, name)
    try:
        wanted = [suppression.normal(address) for address in addresses]
    except ValueError as error:
        raise UsageError(str(error)) from error
    removed = suppressions.remove(frontends, name, wanted)
    if json:
        output.as_json({"removed": removed})
    else:
        output.say(f"{len(removed)} of {len(wanted)} removed")
    if missing := [address for address in wanted if address not in removed]:
        raise CheckFailed(f"Not on the list of {name}: {', '.join(missing)}")


@app.command()
def export(
    ctx: typer.Context,
    name: Name,
    to: Annotated[Path | None, typer.Option(help="A file; else standard output.")] = None,
) -> None:
    """Write the list as CSV, as `import` reads it."""
    entries = suppressions.every(_frontends(ctx, name), name)
    text = suppression.render(entries)
    if to is None:
        print(text, end="")
        return
    write_atomic(to, text, mode=0o600)  # who left whom is nobody else's business
    output.say(f"Wrote {len(entries)} addresses to {to}")


def _add(frontends: tuple[Host, ...], name: str, entries: list[Entry], *, json: bool) -> None:
    with Progress(
        console=output.console(stderr=True), transient=True, disable=len(entries) <= suppressions.AT_ONCE
    ) as bar:
        row = bar.add_task("Addresses", total=len(entries))
        added = suppressions.add(frontends, name, entries, lambda done: bar.update(row, completed=done))
    there = len(entries) - added
    if json:
        output.as_json({"added": added, "there": there})
    else:
        output.say(f"{added} added" + (f", {there} were there already" if there else ""))


def _frontends(ctx: typer.Context, name: str) -> tuple[Host, ...]:
    """The frontends to ask. Raises UsageError for a customer that is none."""
    inventory = context(ctx).load()
    known(inventory, name)
    return inventory.group("frontends")
