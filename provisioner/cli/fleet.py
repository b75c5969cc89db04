"""`provisioner deploy`: the whole fleet from its inventory."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from provisioner.adapters import role_settings, tenants
from provisioner.adapters.ansible import AnsiblePlaybooks
from provisioner.adapters.secret_files import SecretFiles
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.context import Context, context
from provisioner.cli.forced import Force, Forced, Why, note
from provisioner.cli.progress import PlayProgress, clock
from provisioner.core.errors import CheckFailed
from provisioner.workflows import egress_gate
from provisioner.workflows.deploy import DeployOptions, DeployTools
from provisioner.workflows.deploy import deploy as run_deploy

app = typer.Typer(add_completion=False)


@app.command()
def deploy(
    ctx: typer.Context,
    limit: Annotated[
        str, typer.Option("--limit", "-l", help="Only these hosts or groups, as Ansible's --limit.")
    ] = "",
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Show what would change; change no host. Secrets that are missing here are made even so: "
            "without them nothing could be shown.",
        ),
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show how files change.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show Ansible's own output.")] = False,
    force: Force = False,
    reason: Why = "",
) -> None:
    """Bring the hosts to what the inventory says; running it again completes and changes nothing else.

    Refused while the fleet's published SPF record does not let every backend's addresses send.

    Exit code 3 when a host failed or did not answer: the others are finished, and it is named.
    """
    root, forced = context(ctx), Forced(force, reason)
    role_settings.load(root.path)
    _pass_gate(root, limit, forced, check=check)
    with PlayProgress(verbose=verbose or root.verbose) as progress:
        run(root, DeployOptions(limit=limit, check=check, diff=diff), progress)


def _pass_gate(root: Context, limit: str, forced: Forced, *, check: bool) -> None:
    """See that receivers take mail from every backend's addresses. Raises CheckFailed when they do not."""
    inventory = root.load()
    found = asyncio.run(egress_gate.uncovered(inventory, wiring.asker(inventory), limit))
    wrong = [each for each in found if each.certain]
    if found and not wrong:
        output.note(f"Whether SPF lets every backend send is not known: {found[0].reason}")
    if not wrong:
        return
    seen = "; ".join(f"{each.host} ({each.address}): {each.result.value} at {each.server}" for each in wrong)
    told = f"{inventory.settings.spf_name} does not let every backend send: {seen}"
    if check:
        output.note(f"Would be refused: {told}")
    elif forced.force:
        note(root.path, "fleet", "deploy", forced.reason, told)
    else:
        raise CheckFailed(
            told,
            hint="'provisioner dns publish --fleet' first, and let caches forget the old record; "
            "or --force --reason …",
        )


def run(root: Context, options: DeployOptions, progress: PlayProgress) -> None:
    """Deploy and say what came of it. Raises InventoryError, UsageError, HostsFailed."""
    inventory = role_settings.load(root.path)
    started = time.monotonic()
    tools = DeployTools(
        secrets=SecretFiles(root.path),
        playbooks=AnsiblePlaybooks(root.path),
        push=tenants.push,
        store=TenantFiles(root.path),
    )
    report = run_deploy(inventory, tools, options, listener=progress, say=progress.say, now=wiring.now())
    changed = f"{report.changed} {'would change' if options.check else 'changed'}"
    bundle = f", tenant bundle {report.bundle}" if report.bundle else ""
    progress.say(f"{report.hosts} hosts, {changed}{bundle}, in {clock(time.monotonic() - started)}")
