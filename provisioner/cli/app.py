"""The root of the command line, and the one place where errors end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from provisioner import version
from provisioner.cli import (
    customer,
    customer_account,
    customer_change,
    customer_gate,
    customer_import,
    customer_return_paths,
    customer_sheet,
    customer_usage,
    dem,
    dem_backup,
    dem_change,
    dem_check,
    dem_create,
    dem_report,
    dkim,
    dkim_check,
    dkim_rotation,
    dkim_status,
    dns,
    dns_verify,
    fleet,
    init,
    lab,
    output,
    prove,
    report,
    send_test,
    status,
    suppression,
)
from provisioner.cli.context import Context
from provisioner.core.errors import ProvisionerError

INTERRUPTED = 130

app = typer.Typer(
    name="provisioner",
    help="Provision and run outbound mail for hosting companies.",
    no_args_is_help=True,
    # Local variables in a traceback could be passwords and keys.
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PARTS = (
    customer_account,
    customer_change,
    customer_gate,
    customer_import,
    customer_return_paths,
    customer_sheet,
    customer_usage,
)
"""Modules that add their commands to `customer` as they are imported."""

OTHER_PARTS = (dkim_check, dkim_rotation, dkim_status, dns_verify)
"""The same for `dkim` and `dns`."""

DEM_PARTS = (dem_create, dem_change, dem_backup, dem_check, dem_report)
"""The same for `dem`."""

for sub, name in (
    (customer.app, "customer"),
    (dem.app, "dem"),
    (dkim.app, "dkim"),
    (dns.app, "dns"),
    (lab.app, "lab"),
    (report.app, "report"),
    (suppression.app, "suppression"),
):
    app.add_typer(sub, name=name)
init.register(app)
fleet.register(app)
send_test.register(app)
status.register(app)
lab.app.command("prove")(prove.prove)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.say(f"provisioner {version()}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    inventory: Annotated[
        Path | None,
        typer.Option("-i", "--inventory", help="Inventory directory.", envvar="PROVISIONER_INVENTORY"),
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show Ansible's own output.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options that every command understands; the inventory is the embedded lab unless one is named."""
    ctx.obj = Context(option=inventory, verbose=verbose)


def main() -> None:
    """Run and exit: 0 fine, 1 a check failed, 2 usage or inventory, 3 a host failed, 130 interrupted."""
    try:
        app()
    except ProvisionerError as error:
        output.error(error)
        sys.exit(error.exit_code)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            output.note(
                "\nInterrupted. What was finished stays; running the same command again completes it."
            )
        raise
