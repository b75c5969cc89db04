"""`provisioner status`: how every host is, worst first."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from provisioner.adapters import host_health
from provisioner.cli import output
from provisioner.cli.context import context
from provisioner.core.bundle import compile_bundle
from provisioner.core.errors import CheckFailed, HostsFailed
from provisioner.core.health import HostHealth, fleet_faults

app = typer.Typer(add_completion=False)


@app.command()
def status(
    ctx: typer.Context, json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show hosts, services, queue lengths, certificates and the tenant bundle, worst first.

    Exit code 1 when a host is not well, 3 when one does not answer.
    """
    inventory = context(ctx).load()
    version = compile_bundle(inventory).version
    found = host_health.look(inventory.hosts, str(inventory.settings.virtual_address))
    faults = fleet_faults(found, version)
    if json_:
        output.as_json(
            {"bundle": version, "hosts": [{**vars(host), "faults": faults[host.name]} for host in found]}
        )
    else:
        worst_first = sorted(found, key=lambda host: (not host.silent, not faults[host.name]))
        output.table(
            ("Host", "Groups", "Health", "Services", "Queue", "Certificate", "Disk", "Bundle"),
            [_row(host, faults[host.name]) for host in worst_first],
        )
    silent = [host.name for host in found if host.silent]
    if silent:
        raise HostsFailed(
            f"No answer from {', '.join(silent)}.", hint="Bring it up, then 'provisioner deploy'."
        )
    ill = [name for name, wrong in faults.items() if wrong]
    if ill:
        raise CheckFailed(f"Not well: {', '.join(ill)}.", hint="'provisioner deploy' repairs what it can.")


def _row(host: HostHealth, faults: tuple[str, ...]) -> list[str | Text]:
    groups = ", ".join(host.groups)
    if host.silent:
        return [host.name, groups, Text("; ".join(faults), "bold red"), "", "", "", "", ""]
    active = sum(state == "active" for state in host.services.values())
    holder = " (has the virtual address)" if host.holds_address else ""
    return [
        host.name,
        groups,
        Text("; ".join(faults), "bold red") if faults else Text(f"well{holder}", "green"),
        f"{active}/{len(host.services)}",
        " ".join(f"{name} {count}" for name, count in host.queues.items() if count)
        or ("0" if host.queues else ""),
        f"{host.certificate_days} days ({host.certificate})" if host.certificate_days is not None else "",
        f"{host.disk} %" if host.disk is not None else "",
        host.bundle or "",
    ]
