"""`provisioner lab …`: the embedded lab, a fleet on this machine, and a world that receives its mail."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from provisioner.adapters import role_settings
from provisioner.adapters.lab import EmbeddedLab
from provisioner.adapters.lab.world import World, host_of
from provisioner.adapters.secret_files import SecretFiles
from provisioner.adapters.ssh import Ssh
from provisioner.cli import fleet, output, wiring
from provisioner.cli.commands import Subcommands
from provisioner.cli.context import context
from provisioner.cli.progress import PlayProgress
from provisioner.core.world import Behaviour
from provisioner.workflows.deploy import DeployOptions
from provisioner.workflows.lab import make_machines

app = typer.Typer(
    name="lab",
    help="The embedded lab: a whole fleet, and a world that receives its mail, on this machine.",
    no_args_is_help=True,
    cls=Subcommands,
    add_completion=False,
)

Host = Annotated[str, typer.Argument(help="A machine's name, as in hosts.yml.")]
Whose = Annotated[str, typer.Argument(help="An e-mail address, or a domain for every address in it.")]


@app.command()
def up(
    ctx: typer.Context,
    limit: Annotated[str, typer.Option("--limit", "-l", help="Only these machines, comma-separated.")] = "",
    machines_only: Annotated[
        bool, typer.Option("--machines-only", help="Start machines and make secrets, but deploy nothing.")
    ] = False,
) -> None:
    """Start the lab's machines and deploy them; stopped at any point, it goes on when run again."""
    root = context(ctx)
    inventory = role_settings.load(root.path)
    machines = EmbeddedLab(root.path, frozenset(name for name in limit.split(",") if name))
    with PlayProgress(verbose=root.verbose) as progress:
        make_machines(machines, inventory, SecretFiles(root.path), progress.say, wiring.now())
        if not machines_only:
            fleet.run(root, DeployOptions(limit=limit), progress)


@app.command()
def down(ctx: typer.Context) -> None:
    """Destroy the lab's machines and network; of it only downloads stay, outside the project."""
    with PlayProgress() as progress:
        EmbeddedLab(context(ctx).path).down(progress.say)


@app.command()
def status(
    ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Show the lab's machines; exit code 1 when one does not run."""
    states = EmbeddedLab(context(ctx).path).states()
    if json:
        output.as_json([{"host": s.host.name, "address": s.host.address, "state": s.state} for s in states])
    else:
        output.table(
            ("Machine", "Address", "State"), [(s.host.name, str(s.host.address), s.state) for s in states]
        )
    if any(s.state != "running" for s in states):
        raise typer.Exit(1)


@app.command(context_settings={"ignore_unknown_options": True})
def ssh(
    ctx: typer.Context,
    host: Host,
    command: Annotated[list[str] | None, typer.Argument(help="What to run there; else a shell.")] = None,
) -> None:
    """Log in to a machine, or run a command there."""
    argv = [*EmbeddedLab(context(ctx).path).ssh_command(host), *(command or [])]
    os.execvp(argv[0], argv)  # noqa: S606 - the terminal and the exit code become ssh's


@app.command()
def destroy(
    ctx: typer.Context, hosts: Annotated[list[str], typer.Argument(help="Machines' names, as in hosts.yml.")]
) -> None:
    """Destroy machines with their storage, as a fire would; `lab up` makes new ones."""
    EmbeddedLab(context(ctx).path, frozenset(hosts)).destroy(hosts)
    output.say(f"Destroyed: {', '.join(hosts)}")


@app.command()
def inbox(
    ctx: typer.Context,
    whose: Annotated[str, typer.Argument(help="An e-mail address or a domain; else everyone's.")] = "",
    json: Annotated[bool, typer.Option("--json", help="For programs, with all headers.")] = False,
) -> None:
    """Show the mail that has arrived in the world, with what it found of SPF, DKIM and DMARC."""
    with Ssh(host_of(context(ctx).load())) as connection:
        messages = World(connection).received(whose, headers=json)
    if json:
        output.as_json([message.model_dump(mode="json", by_alias=True) for message in messages])
        return
    output.table(
        ("Arrived", "To", "From", "Subject", "SPF", "DKIM", "DMARC"),
        [
            (
                f"{message.arrived.astimezone():%H:%M:%S}",
                message.to or "",
                message.from_ or "",
                message.subject or "",
                *(message.result(method) for method in ("spf", "dkim", "dmarc")),
            )
            for message in messages
        ],
    )


@app.command()
def behave(
    ctx: typer.Context,
    whose: Whose,
    behaviour: Annotated[Behaviour, typer.Argument(help="What the world does with mail for it from now on.")],
) -> None:
    """Have the world defer, reject, find full, slowly take or accept mail for a recipient or a domain."""
    with Ssh(host_of(context(ctx).load())) as connection:
        World(connection).behave(whose, behaviour)
    output.say(f"{whose}: {behaviour.value}")
