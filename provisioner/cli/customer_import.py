"""`provisioner customer import`: many customers from a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import passwords, tenants
from provisioner.adapters.inventory_files import shown
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output
from provisioner.cli.context import context
from provisioner.cli.counting import counting
from provisioner.cli.customer import Json, NoPush, app, told
from provisioner.core.customer_import import NEEDED, OPTIONAL, parse
from provisioner.core.errors import InventoryError, UsageError
from provisioner.workflows import customer_import as workflow
from provisioner.workflows.customer_import import NewPassword

_COLUMNS = f"Columns: {', '.join(NEEDED)}; if wanted {', '.join(OPTIONAL)}."


@app.command(
    "import", help=f"Add all customers of a CSV file, or none if anything is wrong with it. {_COLUMNS}"
)
def import_(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="The table; several domains in a cell have spaces between them.")
    ],
    passwords_to: Annotated[
        Path | None, typer.Option("--passwords-to", help="A new file (CSV) for the passwords that are made.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong; change nothing.")] = False,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Add all customers of a CSV file, or none if anything is wrong with it."""
    store = TenantFiles(context(ctx).path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown(file)} cannot be read: {error}") from error
    rows, faults = parse(text, shown(file), store.load())
    if faults:
        raise InventoryError(faults, "The table")
    if check:
        if json:
            output.as_json({"would_add": [row.customer.name for row in rows]})
        else:
            output.say(f"{len(rows)} customers would be added")
        return
    if passwords_to is None and any(row.needs_password for row in rows):
        raise UsageError(
            "Passwords will be made, and are kept nowhere else", hint="Name a new file: --passwords-to FILE"
        )
    with counting(len(rows)) as progress:
        added, report = workflow.import_customers(
            store,
            passwords,
            text,
            shown(file),
            lambda made: _keep(made, passwords_to),
            None if no_push else tenants.push,
            progress,
        )
    if json:
        output.as_json({"added": [customer.name for customer in added]})
    else:
        output.say(f"{len(added)} customers added{f'; passwords in {passwords_to}' if passwords_to else ''}")
    told(report, quiet=json)


def _keep(made: Sequence[NewPassword], path: Path | None) -> None:
    if path is None or not made:
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"{path} cannot be made: {error.strerror}") from error
    with os.fdopen(handle, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "login", "password"))
        writer.writerows((each.name, each.login, each.password) for each in made)
        file.flush()
        os.fsync(file.fileno())
