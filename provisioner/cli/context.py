"""What the root options say, for every command: `ctx.find_object(Context)` or `context(ctx)`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import typer

from provisioner.adapters import inventory_files
from provisioner.core.fleet import Inventory


@dataclass
class Context:
    """The root options. `option` is what -i said; `verbose` asks for Ansible's own output."""

    option: Path | None = None
    verbose: bool = False

    @cached_property
    def path(self) -> Path:
        """The inventory's directory."""
        return inventory_files.find(self.option)

    def load(self) -> Inventory:
        """The inventory, read and validated anew. Raises InventoryError."""
        return inventory_files.load(self.path)


def context(ctx: typer.Context) -> Context:
    """The root options of a running command."""
    return ctx.ensure_object(Context)
