"""`provisioner customer`: set-plan, override, suspend, resume, rotate-password, unban."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from provisioner.adapters import counters, passwords, tenants
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.customer import Json, NoPush, app, facts_of, told
from provisioner.cli.customer_gate import pass_gate
from provisioner.cli.forced import Force, Forced, Why
from provisioner.core.plans import LIMITS, Override, sends_more
from provisioner.workflows import customer_change as workflow
from provisioner.workflows.customer import known
from provisioner.workflows.customer_change import Changed
from provisioner.workflows.push import TenantPush

_NO_LIMIT = "none"
Name = Annotated[str, typer.Argument(help="The customer.", show_default=False)]


@app.command("set-plan")
def set_plan(
    ctx: typer.Context,
    name: Name,
    plan: Annotated[str, typer.Argument(help="One of plans.yml.")],
    force: Force = False,
    reason: Why = "",
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Put a customer on another plan, from the next message on. What it has sent today stays counted.

    A plan that lets it send more a day is refused while its DNS is not right for the big receivers.
    """
    inventory, forced = context(ctx).load(), Forced(force, reason)
    customer = known(inventory, name)
    if plan in inventory.plans and sends_more(inventory.plans[plan], inventory.plans[customer.plan]):
        doing = f"upgrade to {plan}"
        pass_gate(context(ctx).path, inventory, customer, doing, forced, quiet=json)
    changed = workflow.set_plan(TenantFiles(context(ctx).path), name, plan, _push(no_push))
    _show(changed, f"{name} is on plan {plan}", json=json)


@app.command()
def override(
    ctx: typer.Context,
    name: Name,
    limit: Annotated[str, typer.Argument(help=f"One of {', '.join(LIMITS)}.", metavar="LIMIT")],
    value: Annotated[str | None, typer.Argument(help="A number, or 'none' for no limit.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it holds.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with it.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Even so; the audit log keeps the reason.")] = False,
    end: Annotated[bool, typer.Option("--end", help="Take the exception back.")] = False,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Make an exception from one limit of the plan, which ends by itself; or --end it before.

    As with a larger plan, more mail on any day is refused while its DNS is not right for the big receivers.
    """
    path, inventory = context(ctx).path, context(ctx).load()
    store, customer = TenantFiles(path), known(inventory, name)

    def gated(exception: Override | None) -> None:
        if limit == workflow.DAY and workflow.day_rises(inventory, customer, exception):
            pass_gate(path, inventory, customer, "raise the day's limit", Forced(force, reason), quiet=json)

    if end:
        gated(None)
        changed = workflow.end_override(store, name, limit, _push(no_push))
        _show(changed, f"{name}: {limit} is the plan's again", json=json)
        return
    given: dict[str, object] = {"until": until and until.date(), "value": value, "reason": reason or None}
    given = {key: each for key, each in given.items() if each is not None}
    if value == _NO_LIMIT:
        given["value"] = None
    elif value is not None and value.isascii() and value.isdigit():
        given["value"] = int(value)
    workflow.check_override(inventory, customer, limit, given)
    gated(Override.model_validate(given))
    changed = workflow.override(store, name, limit, given, _push(no_push))
    _show(changed, f"{name}: {limit} is {value} through {given['until']}", json=json)


@app.command()
def suspend(
    ctx: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why, in words that the customer's programs get to read.")],
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Refuse a customer's mail on all frontends, in open sessions too, and say why and whom to contact."""
    store = TenantFiles(context(ctx).path)
    changed = workflow.suspend(store, name, reason, wiring.now(), _push(no_push))
    _show(changed, f"{name} is suspended: {reason}", json=json)


@app.command()
def resume(ctx: typer.Context, name: Name, no_push: NoPush = False, json: Json = False) -> None:
    """Let a suspended customer send again."""
    changed = workflow.resume(TenantFiles(context(ctx).path), name, _push(no_push))
    _show(changed, f"{name} may send again", json=json)


@app.command("rotate-password")
def rotate_password(
    ctx: typer.Context,
    name: Name,
    login: Annotated[str | None, typer.Option(help="The account; needed when there are several.")] = None,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Give an account a new password, shown once; the old one is refused from the next login on."""
    store = TenantFiles(context(ctx).path)
    changed, account, password = workflow.rotate_password(store, passwords, name, login, _push(no_push))
    if json:
        output.as_json(facts_of(changed.customer) | {"login": account, "password": password})
    else:
        output.say(f"  login     {account}")
        output.say(f"  password  {password}   (shown only now)")
    told(changed.report, quiet=json)


def _push(no_push: bool) -> TenantPush | None:
    return None if no_push else tenants.push


def _show(changed: Changed, sentence: str, *, json: bool) -> None:
    if json:
        output.as_json(facts_of(changed.customer) | {"file": changed.file, "changed": changed.anew})
    else:
        output.say(sentence if changed.anew else f"{sentence}, as before")
    told(changed.report, quiet=json)


@app.command()
def unban(ctx: typer.Context, name: Name) -> None:
    """Let everybody try again who is kept from the customer's logins for failed passwords."""
    inventory = context(ctx).load()
    lifted = counters.lift_bans(inventory.group("frontends"), known(inventory, name).logins)
    output.say(f"{lifted} ban(s) of {name} ended" if lifted else f"Nobody was banned from {name}'s logins")
