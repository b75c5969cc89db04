"""The root of the command line, and the one place where errors end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from provisioner import version
from provisioner.cli import output
from provisioner.cli.commands import Commands
from provisioner.cli.context import Context
from provisioner.core.errors import ProvisionerError

INTERRUPTED = 130

app = typer.Typer(
    name="provisioner",
    cls=Commands,
    help="Provision and run outbound mail for hosting companies.",
    no_args_is_help=True,
    # Local variables in a traceback could be passwords and keys.
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
