"""`provisioner deploy`: the whole fleet from its inventory."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from provisioner.adapters import tenants
from provisioner.adapters.ansible import AnsiblePlaybooks
from provisioner.adapters.secret_files import SecretFiles
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import wiring
from provisioner.cli.context import Context, context
from provisioner.cli.progress import PlayProgress, clock
from provisioner.workflows.deploy import DeployOptions, DeployTools
from provisioner.workflows.deploy import deploy as run_deploy


def deploy(
    ctx: typer.Context,
    limit: Annotated[
        str, typer.Option("--limit", "-l", help="Only these hosts or groups, as Ansible's --limit.")
    ] = "",
    check: Annotated[bool, typer.Option("--check", help="Show what would change; change no host.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show how files change.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show Ansible's own output.")] = False,
) -> None:
    """Bring the hosts to what the inventory says; running it again completes and changes nothing else.

    Exit code 3 when a host failed or did not answer: the others are finished, and it is named.
    """
    root = context(ctx)
    with PlayProgress(verbose=verbose or root.verbose) as progress:
        run(root, DeployOptions(limit=limit, check=check, diff=diff), progress)


def run(root: Context, options: DeployOptions, progress: PlayProgress) -> None:
    """Deploy and say what came of it. Raises InventoryError, UsageError, HostsFailed."""
    inventory = root.load()
    started = time.monotonic()
    tools = DeployTools(
        secrets=SecretFiles(root.path),
        playbooks=AnsiblePlaybooks(root.path),
        push=tenants.push,
        keys=TenantFiles(root.path).key_loader(inventory),
    )
    report = run_deploy(inventory, tools, options, listener=progress, say=progress.say, now=wiring.now())
    changed = f"{report.changed} {'would change' if options.check else 'changed'}"
    bundle = f", tenant bundle {report.bundle}" if report.bundle else ""
    progress.say(f"{report.hosts} hosts, {changed}{bundle}, in {clock(time.monotonic() - started)}")


def register(app: typer.Typer) -> None:
    """Add the fleet's commands to the root."""
    app.command()(deploy)
