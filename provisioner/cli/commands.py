"""Which commands there are, and the modules that make them: a run imports those of its own command alone."""

from __future__ import annotations

from collections.abc import Sequence
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
        first, *later = MODULES[cmd_name]
        app = _module(first).app
        command = typer.main.get_command(app)
        command.name = cmd_name
        if isinstance(command, Subcommands):
            command.app, command.later = app, later
        return command


class Subcommands(TyperGroup):
    """A group's commands; modules are imported in their order, until the one asked for is there."""

    app: typer.Typer
    later: Sequence[str] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in the order of help."""
        while self.later:
            self._import_more()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None when there is none."""
        while cmd_name not in self.commands and self.later:
            self._import_more()
        return super().get_command(ctx, cmd_name)

    def _import_more(self) -> None:
        following, *self.later = self.later
        _module(following)
        self.commands = typer.main.get_group(self.app).commands


def _module(name: str) -> Any:
    return import_module(f"provisioner.cli.{name}")
