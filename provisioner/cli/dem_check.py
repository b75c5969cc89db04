"""`provisioner dem check`: a list server, used as its readers and the scanners of their mail will."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import dem_hosts
from provisioner.adapters.dem_files import DemFiles
from provisioner.adapters.dem_web import DemWeb
from provisioner.adapters.dem_world import LabWorld, MaildirWorld, SuppressionList
from provisioner.cli import output
from provisioner.cli.context import Context, context
from provisioner.cli.dem import Json, Name, app, found
from provisioner.core.dem import DemServer
from provisioner.core.errors import CheckFailed, UsageError
from provisioner.core.findings import Finding, all_good, worst_first
from provisioner.core.fleet import Inventory
from provisioner.core.names import email
from provisioner.workflows.dem import host_of
from provisioner.workflows.dem_check import check as run_check
from provisioner.workflows.dem_run import Subject, Tools

READERS = 1_000
RECEIVERS = ("gmail.test", "yahoo.test", "libero.test")
"""Where the lab's readers are."""

LEAST_PATIENCE = 120.0
PER_SECOND = 10
"""Readers that a campaign reaches at least, or it is given up."""


@dataclass(frozen=True)
class Wish:
    """How it is to be checked. maildir, address: a mailbox of the operator's, where there is no lab."""

    readers: int = READERS
    maildir: Path | None = None
    address: str = ""


@app.command()
def check(
    ctx: typer.Context,
    name: Name,
    readers: Annotated[
        int, typer.Option("--readers", help="Readers of the campaign, in the lab.", min=1, max=100_000)
    ] = READERS,
    maildir: Annotated[
        Path | None, typer.Option(help="Outside a lab: a Maildir folder here that gets --address's mail.")
    ] = None,
    address: Annotated[str, typer.Option(help="The mailbox's address.")] = "",
    json: Json = False,
) -> None:
    """Subscribe, scan links, click, bounce and complain; exit code 1 when a reader was treated wrongly.

    In the lab with made-up readers, elsewhere with one mailbox and what can be seen with it.
    """
    root = context(ctx)
    _, server, _ = found(ctx, name)
    findings = judged(root, server, Wish(readers, maildir, address), output.note)
    if json:
        output.as_json(findings)
    else:
        output.findings(worst_first(findings))
    require(findings)


def require(findings: Sequence[Finding]) -> None:
    """Raise CheckFailed unless everything was seen to be right."""
    if not all_good(findings):
        wrong = sorted({each.id for each in findings if not all_good([each])})
        raise CheckFailed(f"Not right: {', '.join(wrong)}")


def judged(root: Context, server: DemServer, wish: Wish, say: Callable[[str], None]) -> tuple[Finding, ...]:
    """What a check finds. Raises UsageError where there is neither a lab nor a mailbox."""
    inventory = root.load()
    with _tools(root, inventory, server, wish, say) as tools:
        return run_check(tools, _subject(root, inventory, server, wish))


@contextmanager
def _tools(
    root: Context, inventory: Inventory, server: DemServer, wish: Wish, say: Callable[[str], None]
) -> Iterator[Tools]:
    host = host_of(inventory, server)
    with ExitStack() as stack:
        if wish.maildir is not None:
            receiving: LabWorld | MaildirWorld = MaildirWorld(wish.maildir, _address(wish.address))
        elif DemFiles(root.path).is_lab:
            receiving = stack.enter_context(LabWorld(inventory))
        else:
            raise UsageError(
                "Outside a lab a check needs a mailbox to read", hint="--maildir FOLDER --address ADDRESS"
            )
        yield Tools(
            talk=stack.enter_context(dem_hosts.talking(host)),
            web=stack.enter_context(DemWeb(server.site, str(host.address), root.path / "secrets/ca.crt")),
            world=receiving,
            suppressed=SuppressionList(inventory.group("frontends"), server.customer),
            now=time.time,
            sleep=time.sleep,
            say=say,
        )


def _subject(root: Context, inventory: Inventory, server: DemServer, wish: Wish) -> Subject:
    customer = inventory.customer(server.customer)
    account = customer.account(server.account) if customer else None
    assert customer is not None and account is not None  # noqa: S101, PT018 - the inventory is valid
    alone = wish.maildir is not None
    return Subject(
        server=server,
        bounce_domain=inventory.settings.bounce_domain,
        run=secrets.token_hex(3),
        domains=RECEIVERS,
        readers=0 if alone else wish.readers,
        address=wish.address if alone else "",
        trusted=() if alone else tuple(inventory.fqdn(host) for host in inventory.group("world")),
        per_minute=inventory.plan_of(customer, account).messages_per_minute,
        patience=max(LEAST_PATIENCE, wish.readers / PER_SECOND),
    )


def _address(given: str) -> str:
    try:
        return email(given)
    except ValueError as error:
        raise UsageError(f"--address: {error}") from error
