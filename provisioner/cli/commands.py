"""Which commands there are, and the modules that make them: a run imports those of its own command alone."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

MODULES = {
    "customer": (
        "customer",
        "customer_account",
        "customer_change",
        "customer_gate",
        "customer_import",
        "customer_return_paths",
        "customer_sheet",
        "customer_usage",
    ),
    "dem": ("dem", "dem_create", "dem_change", "dem_backup", "dem_check", "dem_report"),
    "dkim": ("dkim", "dkim_check", "dkim_rotation", "dkim_status"),
    "dns": ("dns", "dns_verify"),
    "lab": ("lab", "prove"),
    "report": ("report",),
    "suppression": ("suppression",),
    "init": ("init",),
    "deploy": ("fleet",),
    "send-test": ("send_test",),
    "status": ("status",),
}
"""The first module of each has `app`; the others add their commands to it as they are imported."""


class Commands(TyperGroup):
    """The root's commands, each imported when it is asked for.

    Typer has click's classes from different places in different versions: no type here names them.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in the order of help."""
        del ctx
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None when there is none."""
        del ctx
        if cmd_name not in MODULES:
            return None
        first, *_ = [import_module(f"provisioner.cli.{module}") for module in MODULES[cmd_name]]
        command = typer.main.get_command(first.app)
        command.name = cmd_name
        return command
