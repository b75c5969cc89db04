"""Which commands there are, and the modules that make them: a run imports those of its own command alone."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

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
    "dem": ("dem", "dem_create", "dem_change", "dem_backup", "dem_check", "dem_report", "dem_send_reports"),
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

HELP = {
    "customer": "Customers: who may send, in which names, on which plan.",
    "dem": "List servers (Mail DEM): one a customer, which sends newsletters through the fleet.",
    "dkim": "DKIM keys for life: made, published, proven, rotated and destroyed.",
    "dns": "DNS records of customers and of the fleet.",
    "lab": "The embedded lab: a whole fleet, and a world that receives its mail, on this machine.",
    "report": "Reports: mail counted and delivered; notices to customers.",
    "suppression": "Whom customers may write to no more.",
    "init": "Write the inventory of a new fleet of real hosts, every setting explained, "
    "and its vault password.",
    "deploy": "Bring the hosts to what the inventory says; "
    "running it again completes and changes nothing else.",
    "send-test": "Submit a message through the load balancer as a customer, follow it, and report each hop.",
    "status": "Show hosts, services, queue lengths, certificates and the tenant bundle, worst first.",
}
"""What the commands themselves say first, for help and for completion: to import them all takes seconds."""


class Commands(TyperGroup):
    """The root's commands, each imported when it is run.

    Typer has click's classes from different places in different versions: no type here names them.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in the order of help."""
        del ctx
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None when there is none."""
        del ctx
        return Unopened(name=cmd_name, help=HELP[cmd_name]) if cmd_name in MODULES else None


class Unopened(TyperCommand):
    """A command that is imported when it is run, or asked for its own help or what completes it."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself."""
        return self.opened().make_context(info_name, args, parent, **extra)

    def opened(self) -> Any:
        """The command itself."""
        first, *later = MODULES[str(self.name)]
        app = _module(first).app
        command = typer.main.get_command(app)
        command.name = self.name
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
