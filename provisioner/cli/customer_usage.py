"""`provisioner customer usage`: what was sent of what the plans grant."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from provisioner.adapters import counters
from provisioner.cli import output
from provisioner.cli.context import context
from provisioner.cli.customer import Json, app
from provisioner.core.usage import Usage, usages
from provisioner.core.usage import counters as counters_of
from provisioner.workflows.customer import known

_NEARLY = 0.8


@app.command()
def usage(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One customer; else all, the fullest first.")] = None,
    days: Annotated[int, typer.Option(help="How many days to tell, today included.", min=1, max=40)] = 1,
    json: Json = False,
) -> None:
    """Show how many recipients were accepted today and in this hour, and what the plan allows."""
    inventory = context(ctx).load()
    wanted = (known(inventory, name),) if name else inventory.customers
    asked = counters_of(inventory, wanted)
    found = usages(inventory, counters.read(inventory.group("frontends"), asked, days))
    if json:
        output.as_json(found)
        return
    earlier = list(found[0].days)[1:] if found else []
    output.table(
        ("Customer", "Plan", "Today", "of", "This hour", "of", *earlier), [_row(each) for each in found]
    )


def _row(found: Usage) -> list[str | Text]:
    style = "bold red" if found.share >= 1 else "yellow" if found.share >= _NEARLY else ""
    return [
        found.counter,
        found.plan,
        Text(str(found.today), style),
        _limit(found.day_limit),
        str(found.this_hour),
        _limit(found.hour_limit),
        *(str(count) for count in list(found.days.values())[1:]),
    ]


def _limit(value: int | None) -> str:
    return "no limit" if value is None else str(value)
