"""`provisioner dem`: customers' own list servers."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from provisioner.adapters import dem_hosts
from provisioner.cli import output
from provisioner.cli.commands import Subcommands
from provisioner.cli.context import context
from provisioner.core.dem import DemServer
from provisioner.core.errors import CheckFailed, HostsFailed
from provisioner.core.fleet import Host, Inventory
from provisioner.workflows.dem import host_of, server_of

app = typer.Typer(
    help="List servers (Mail DEM): one a customer, which sends newsletters through the fleet.",
    no_args_is_help=True,
    cls=Subcommands,
    add_completion=False,
)

Name = Annotated[str, typer.Argument(help="The customer.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Check = Annotated[bool, typer.Option("--check", help="Say what would be done; change nothing.")]


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List all list servers with what they say of themselves.

    Exit code 1 when something is wrong at one, 3 when one does not answer.
    """
    inventory = context(ctx).load()
    hosts = [host_of(inventory, server) for server in inventory.dem]
    found = dem_hosts.statuses(hosts)
    silent = {each.host.name: each.error.reason for each in found if each.error}
    seen = {each.host.name: each.value or {} for each in found}
    if json:
        output.as_json(
            [
                facts_of(inventory, server)
                | {"status": seen[server.host] or None, "error": silent.get(server.host)}
                for server in inventory.dem
            ]
        )
    else:
        output.table(
            ("Customer", "Host", "Site", "Software", "Lists", "Subscribers", "Queue", "Certificate", "State"),
            [_row(server, seen[server.host], silent.get(server.host, "")) for server in inventory.dem],
        )
    if silent:
        raise HostsFailed(
            f"No answer from {', '.join(silent)}", hint="'provisioner dem create' again mends it"
        )
    if wrong := [f"{name}: {status['wrong']}" for name, status in seen.items() if status.get("wrong")]:
        raise CheckFailed("; ".join(wrong))


@app.command()
def show(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Show a list server: where it is, what runs there, its lists."""
    inventory = context(ctx).load()
    server = server_of(inventory, name)
    host = host_of(inventory, server)
    with dem_hosts.talking(host) as talk:
        status, lists = talk.ask("status"), talk.ask("lists")
    if json:
        output.as_json(facts_of(inventory, server) | {"status": status, "lists": lists})
        return
    rows = [
        *((name, str(value)) for name, value in facts_of(inventory, server).items()),
        *(
            (name.replace("_", " "), str(status[name]))
            for name in ("version", "queue", "subscribers", "paused")
        ),
        ("state", status.get("wrong") or "well"),
        ("certificate", f"{status['certificate_days']} days"),
    ]
    output.table(("List server", server.url), rows)
    output.table(("List", "Subscribers"), [(each["name"], str(each["subscribers"])) for each in lists])


def facts_of(inventory: Inventory, server: DemServer) -> dict[str, object]:
    """What the inventory says of a server, but for its passwords."""
    return {
        "customer": server.customer,
        "host": server.host,
        "address": str(host_of(inventory, server).address),
        "site": server.site,
        "domain": server.domain,
        "discussions": server.discussions,
        "software": server.software.value,
        "admin": server.admin,
        "admin_login": server.admin_login,
        "account": server.account,
    }


def found(ctx: typer.Context, name: str) -> tuple[Inventory, DemServer, Host]:
    """A customer's list server, and all around it. Raises UsageError when it has none."""
    inventory = context(ctx).load()
    server = server_of(inventory, name)
    return inventory, server, host_of(inventory, server)


def _row(server: DemServer, status: dict[str, Any], error: str) -> list[str | Text]:
    state: str | Text = "paused" if status.get("paused") else "well"
    if error or status.get("wrong"):
        state = Text(error or status["wrong"], "bold red")
    days = status.get("certificate_days")
    return [
        server.customer,
        server.host,
        server.site,
        f"{server.software.value} {status.get('version', '')}".strip(),
        str(len(status.get("lists", ()))) if status else "",
        str(status.get("subscribers", "")),
        str(status.get("queue", "")),
        f"{days} days" if days is not None else "",
        state,
    ]
