"""`provisioner init`: the inventory of a new fleet."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import scaffold_files
from provisioner.adapters.inventory_files import shown
from provisioner.cli import output
from provisioner.core.scaffold import EXAMPLE_DOMAIN, name_from

_NEXT = """
Next, in five commands (an ssh-agent that holds your key, or ansible_ssh_private_key_file, lets them log in):
  1. $EDITOR {path}/hosts.yml {path}/group_vars/all/fleet.yml
  2. export PROVISIONER_INVENTORY={path}
  3. provisioner deploy
  4. provisioner dns show --fleet
  5. provisioner customer add NAME --domain DOMAIN --contact EMAIL
Each host's SSH key has to be in known_hosts beforehand; 'provisioner deploy' names those that are not.
Keep a copy of {path}/.vault-password elsewhere: without it, the fleet's secrets and DKIM keys are lost."""


app = typer.Typer(add_completion=False)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="A folder that is not there yet, as inventories/mine.")],
    domain: Annotated[
        str, typer.Option("--domain", "-d", help="The zone for the hosts' own names, as mail.hoster.example.")
    ] = EXAMPLE_DOMAIN,
) -> None:
    """Write the inventory of a new fleet of real hosts, every setting explained, and its vault password."""
    scaffold = scaffold_files.validated(name=name_from(path.absolute().name), domain=domain)
    files = scaffold_files.write(path, scaffold)
    output.say(f"Written to {shown(path.absolute())}:")
    for name in files:
        output.say(f"  {name}")
    output.say(_NEXT.format(path=shlex.quote(shown(path.absolute()))))
