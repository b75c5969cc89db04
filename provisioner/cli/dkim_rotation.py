"""`provisioner dkim`: rotate, rollback, revoke. Each prints its plan; `--apply` acts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.dkim import Domains, Json, OfCustomer, Reason, app, chosen, chosen_or_all
from provisioner.cli.dkim_progress import Teller
from provisioner.cli.dkim_status import plan_facts, show_plans, told, waits_facts
from provisioner.core.errors import CheckFailed, HostsFailed, UsageError
from provisioner.core.key_slots import On, Wait, Wish
from provisioner.workflows import rotation
from provisioner.workflows.rotation import Outcome, Request

EACH = 10
"""Domains up to which each step is printed; of more only how many."""

Apply = Annotated[bool, typer.Option("--apply", help="Do it; without, only say what would be done.")]


@app.command()
def rotate(
    ctx: typer.Context,
    domains: Domains = None,
    customer: OfCustomer = None,
    all_due: Annotated[bool, typer.Option("--all-due", help="All domains: whatever is due.")] = False,
    apply: Apply = False,
    wait: Annotated[bool, typer.Option("--wait", help="Go on until new keys sign and are proven.")] = False,
    timeout: Annotated[int, typer.Option(help="Seconds to wait at most.", min=1)] = 86_400,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="The keys have leaked: revoke them once others sign, proven.")
    ] = False,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Replace a domain's keys, or go on with what is under way. The first keys come this way too.

    Exit code 1: a check, a slot or somebody outside holds it; 3: a host has not shown the keys. Safe to run
    again at any time; for a timer: --all-due --apply.
    """
    path = context(ctx).path
    names = chosen_or_all(context(ctx).load(), domains, customer, everything=all_due, option="--all-due")
    if wait and not apply:
        raise UsageError("--wait needs --apply: without it nothing is under way")
    if emergency and (all_due or not reason):
        raise UsageError("--emergency needs the domains and a --reason, which the audit log keeps")
    wish = Wish.EMERGENCY if emergency else Wish.NOTHING if all_due else Wish.ROTATE
    if emergency:
        output.note("Mail in queues that the leaked keys signed will fail DKIM once they are revoked.")
    request = Request(names, wish, reason or ("due" if all_due else "asked for"))
    _carry_out(path, request, apply=apply, json=json, seconds=timeout if wait else None)


@app.command()
def rollback(
    ctx: typer.Context,
    domains: Domains = None,
    customer: OfCustomer = None,
    reason: Reason = "",
    apply: Apply = False,
    json: Json = False,
) -> None:
    """Go back to the keys before, as long as they retire: one switch, all records are there."""
    names = chosen(context(ctx).load(), domains, customer)
    _carry_out(
        context(ctx).path,
        Request(names, Wish.ROLLBACK, _because(reason, apply=apply)),
        apply=apply,
        json=json,
    )


@app.command()
def revoke(
    ctx: typer.Context,
    domains: Domains = None,
    *,
    selector: Annotated[str, typer.Argument(help="The selector of one of the keys; both of its slot go.")],
    customer: OfCustomer = None,
    reason: Reason = "",
    apply: Apply = False,
    json: Json = False,
) -> None:
    """Revoke keys: those on their way at once, those that retire when no signer uses them and others work.

    Of a customer's domains, those are meant that have a key of that selector.
    """
    inventory = context(ctx).load()
    names = chosen(inventory, domains, customer)
    keys = {(key.domain, key.selector): key.slot for key in inventory.keys}
    slots = {name: keys[name, selector] for name in names if (name, selector) in keys}
    lacking = [name for name in names if name not in slots]
    if lacking and (domains or not slots):
        raise UsageError(f"{lacking[0]} has no key {selector}", hint=f"provisioner dkim show {lacking[0]}")
    request = Request(tuple(slots), Wish.REVOKE, _because(reason, apply=apply), slots)
    _carry_out(context(ctx).path, request, apply=apply, json=json)


def _because(reason: str, *, apply: bool) -> str:
    if apply and not reason:
        raise UsageError("--apply needs a --reason here, which the audit log keeps")
    return reason


def _carry_out(path: Path, request: Request, *, apply: bool, json: bool, seconds: int | None = None) -> None:
    store = TenantFiles(path)
    if not apply:
        inventory = store.load()
        tools = wiring.rotation_tools(inventory, look_only=True)
        plans = rotation.plan(store, inventory, request, tools)
        if json:
            output.as_json([plan_facts(inventory, domain, plans[domain], request) for domain in plans])
        else:
            show_plans(inventory, plans, request)
        return
    said = Teller(quiet=json, each=len(request.domains) <= EACH)
    if seconds is None:
        outcome = rotation.run(store, request, wiring.rotation_tools(store.load()), said)
    else:
        deadline = time.monotonic() + seconds

        def pause(domains: Sequence[str], waits: Sequence[Wait]) -> None:
            if time.monotonic() > deadline:
                raise CheckFailed(
                    f"Still under way after the time given: {', '.join(domains[:EACH])}",
                    hint="Nothing is lost: the same command goes on, as does 'dkim rotate --all-due --apply'",
                )
            with said.waiting(waits):
                time.sleep(min(seconds, rotation.pause_for(waits, wiring.now())))

        outcome = rotation.follow(store, request, lambda: wiring.rotation_tools(store.load()), pause, said)
    said.summary()
    if json:
        output.as_json(
            {
                "done": said.done,
                "waits": {name: waits_facts(waits) for name, waits in outcome.waits.items()},
                "faults": outcome.faults,
            }
        )
    else:
        for name, waits in outcome.waits.items():
            for wait in waits if said.each else [each for each in waits if each.until is None]:
                output.say(f"{name} slot {wait.slot} waits: {told(wait)}")
    _end(request, outcome)


def _end(request: Request, outcome: Outcome) -> None:
    """The exit code: what needs somebody is a failure, what only needs time is none."""
    held = [(name, wait) for name, waits in outcome.waits.items() for wait in waits if wait.until is None]
    lines = [f"{each.domain} slot {each.slot}: {each.message}" for each in outcome.faults]
    lines += [f"{name} slot {wait.slot}: {told(wait)}" for name, wait in held]
    if not lines:
        return
    more = f" and {len(lines) - EACH} more" if len(lines) > EACH else ""
    message = "; ".join(dict.fromkeys(lines[:EACH])) + more
    hint = "What is done stays done; running this again goes on from there"
    if held and all(wait.on is On.SIGNERS for _, wait in held) and not outcome.faults:
        raise HostsFailed(f"Held: {message}", hint=hint)
    raise CheckFailed(f"Held: {message}", hint=hint)
