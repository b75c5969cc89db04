"""`provisioner customer check-return-paths`: do customers' envelope senders take what bounces?"""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.text import Text

from provisioner.adapters import deliveries, tenants
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.customer import Json, app, told
from provisioner.core.errors import CheckFailed
from provisioner.workflows import return_paths as workflow
from provisioner.workflows.customer import known
from provisioner.workflows.return_paths import State

_DAY = 86_400
_STYLES = {State.ALIVE: "green", State.DEAD: "bold red", State.UNKNOWN: "magenta"}


@app.command("check-return-paths")
def check_return_paths(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One customer; else all.")] = None,
    days: Annotated[int, typer.Option(help="Look at mail of so many days.", min=1, max=30)] = 7,
    check: Annotated[bool, typer.Option("--check", help="Ask, but change nothing.")] = False,
    json: Json = False,
) -> None:
    """Ask whether the mailboxes behind customers' return paths take mail; exit 1 when one does not.

    Mail to many with a dead return path is refused until a later run finds it alive. For cron: once a day.
    """
    path = context(ctx).path
    inventory = context(ctx).load()
    names = [known(inventory, name).name] if name else [each.name for each in inventory.customers]
    backends = inventory.group("backends")
    found, report = workflow.check(
        TenantFiles(path),
        names,
        lambda: deliveries.read(backends, time.time() - days * _DAY),
        lambda addresses: deliveries.ask_mailboxes(backends, addresses) if addresses else {},
        wiring.now(),
        None if check else tenants.push,
    )
    if json:
        rows = [(each.customer, each.address, each.state.name.lower(), each.answer) for each in found]
        output.as_json(
            [dict(zip(("customer", "address", "state", "answer"), row, strict=True)) for row in rows]
        )
    else:
        output.table(
            ("Customer", "Return path", "State", "Answer"),
            [
                (each.customer, each.address, Text(each.state.value, _STYLES[each.state]), each.answer)
                for each in found
            ],
        )
    if report is not None:
        told(report, quiet=json)
    if dead := [each.address for each in found if each.state is State.DEAD]:
        raise CheckFailed(
            f"{len(dead)} of {len(found)} return paths take no mail: {', '.join(dead)}",
            hint="Their owners' mail to many is refused until they do; tell them, and run this again",
        )
