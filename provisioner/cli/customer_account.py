"""`provisioner customer account`: a customer's logins, each with what it may send and from where."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.adapters import passwords, tenants
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output
from provisioner.cli.context import context
from provisioner.cli.customer import Json, NoPush, accounts_of, accounts_table, app, facts_of, told
from provisioner.core.errors import UsageError
from provisioner.workflows import customer_change as workflow
from provisioner.workflows.customer import known

accounts = typer.Typer(
    help="A customer's accounts: logins, their domains and networks.", no_args_is_help=True
)
app.add_typer(accounts, name="account")

Name = Annotated[str, typer.Argument(help="The customer.", show_default=False)]
Login = Annotated[str, typer.Argument(help="The account's login.", show_default=False)]


@accounts.command()
def add(
    ctx: typer.Context,
    name: Name,
    login: Login,
    domain: Annotated[
        list[str] | None, typer.Option("--domain", help="One it may send in; repeat for more; else all.")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", help="An address or network to send from; repeat for more; else any."),
    ] = None,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Give a customer one account more. Its password is shown once, and kept nowhere."""
    store, push = TenantFiles(context(ctx).path), None if no_push else tenants.push
    changed, password = workflow.add_account(store, passwords, name, login, domain or (), network or (), push)
    if json:
        output.as_json(facts_of(changed.customer) | {"login": login, "password": password})
    else:
        output.say(f"  login     {login}")
        output.say(f"  password  {password}   (shown only now)")
    told(changed.report, quiet=json)


@accounts.command()
def limit(
    ctx: typer.Context,
    name: Name,
    login: Login,
    domain: Annotated[
        list[str] | None, typer.Option("--domain", help="One it may send in from now on; repeat for more.")
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option("--network", help="Where it may send from; repeat for more.")
    ] = None,
    any_domain: Annotated[bool, typer.Option("--any-domain", help="In all of the customer's.")] = False,
    any_network: Annotated[bool, typer.Option("--any-network", help="From anywhere.")] = False,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Say anew in which domains and from where an account may send; what is not named stays as it is.

    Networks and From: hold from the next message on, in open sessions too; MAIL FROM from the next session.
    """
    for some, everything, option in ((domain, any_domain, "domain"), (network, any_network, "network")):
        if some and everything:
            raise UsageError(f"Give --{option} or --any-{option}, not both")
    if not (domain or network or any_domain or any_network):
        raise UsageError("Say what is to hold: --domain, --any-domain, --network or --any-network")
    changed = workflow.limit_account(
        TenantFiles(context(ctx).path),
        name,
        login,
        None if no_push else tenants.push,
        domains=[] if any_domain else domain or None,
        networks=[] if any_network else network or None,
    )
    if json:
        output.as_json(facts_of(changed.customer))
    else:
        accounts_table(changed.customer)
    told(changed.report, quiet=json)


@accounts.command("list")
def list_accounts(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """List a customer's accounts, with the domains and networks that they are limited to."""
    customer = known(context(ctx).load(), name)
    if json:
        output.as_json(accounts_of(customer))
    else:
        accounts_table(customer)


@accounts.command()
def remove(
    ctx: typer.Context,
    name: Name,
    login: Login,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Take an account away: its logins fail, and open sessions are refused from the next message on."""
    if json and not yes:
        raise UsageError("With --json nobody is asked", hint="Add --yes")
    if not yes and not typer.confirm(f"Remove the account {login} of {name}?"):
        raise UsageError(f"{login} was not removed")
    push = None if no_push else tenants.push
    changed = workflow.remove_account(TenantFiles(context(ctx).path), name, login, push)
    if json:
        output.as_json(facts_of(changed.customer) | {"removed": login})
    else:
        output.say(f"{name} has no account {login} any more")
    told(changed.report, quiet=json)
