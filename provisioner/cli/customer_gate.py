"""`provisioner customer activate`, and the gate that plan upgrades have to pass."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import tenants
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.customer import Json, NoPush, app, facts_of, told
from provisioner.cli.forced import Force, Forced, Why, note
from provisioner.core.customers import Customer
from provisioner.core.errors import CheckFailed, UsageError
from provisioner.core.findings import Finding, Status, together, worst_first
from provisioner.core.fleet import Inventory
from provisioner.core.gate import Gate, gate, of_egress
from provisioner.core.profiles import Profile, insists, judge
from provisioner.workflows import customer_change, readiness
from provisioner.workflows.customer import known


@app.command()
def activate(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The customer.", show_default=False)],
    force: Force = False,
    reason: Why = "",
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Let a customer that was added with --inactive send, once its DNS is right for the big receivers.

    Refused when something is wrong; asks when something is unknown.
    """
    path, inventory = context(ctx).path, context(ctx).load()
    customer = known(inventory, name)
    if customer.suspended and not customer_change.not_active(customer):
        hint = f"provisioner customer resume {name}"
        raise UsageError(f"{name} is suspended: {customer.suspended.reason}", hint=hint)
    pass_gate(path, inventory, customer, "activate", Forced(force, reason), quiet=json)
    push = None if no_push else tenants.push
    report = None
    if customer.suspended:
        changed = customer_change.activate(TenantFiles(path), name, push)
        customer, report = changed.customer, changed.report
    if json:
        output.as_json(facts_of(customer))
    else:
        output.say(f"{name} is active")
    told(report, quiet=json)


def pass_gate(
    path: Path,
    inventory: Inventory,
    customer: Customer,
    doing: str,
    forced: Forced,
    *,
    quiet: bool = False,
    check: bool = False,
) -> None:
    """Look at the customer's domains and the addresses that send for it. Raises CheckFailed if refused.

    check: only say so; nobody is asked.
    """
    wiring.find_resolver(inventory.settings)
    egress, domains = asyncio.run(_look(inventory, customer))
    # Doubt about what nobody insists on keeps nobody waiting.
    found = [each for each in (*egress, *domains) if each.status is Status.FAIL or insists(Profile.ALL, each)]
    stands = gate(found)
    if stands is Gate.OPEN:
        return
    wrong = [each for each in found if each.status in {Status.FAIL, Status.UNKNOWN}]
    if not quiet:
        output.findings(worst_first(wrong))
    what = "wrong" if stands is Gate.CLOSED else "unknown"
    where = "; ".join(f"{each.id} {each.subject}" for each in wrong)
    if check:
        output.note(f"Would be refused: {customer.name}'s DNS is {what}: {where}")
        return
    if not forced.force and not (stands is Gate.ASK and _asked(doing, customer)):
        ours = " --fleet" if any(each in egress for each in wrong) else ""
        raise CheckFailed(
            f"{customer.name}: {doing} refused, its DNS is {what}: {where}",
            hint=f"'provisioner dns verify --customer {customer.name}{ours} --watch' waits until that is "
            "right; or --force --reason …",
        )
    seen = "; ".join(f"{each.id} {each.subject}: {each.status.value}, {each.seen}" for each in wrong)
    why = forced.reason or "unknown, and confirmed"
    note(path, f"customer {customer.name}", doing, why, seen)


async def _look(inventory: Inventory, customer: Customer) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What is to be said of the addresses that send, and of the customer's domains."""
    dns = wiring.asker(inventory)
    egress: list[Finding] = []
    domains: list[Finding] = []
    async for report in readiness.verify(inventory, (None, *customer.domains), dns):
        if report.domain is None:
            egress += of_egress(report.findings)
        else:
            domains += report.findings
    return together(judge(egress, Profile.ALL)), together(judge(domains, Profile.ALL))


def _asked(doing: str, customer: Customer) -> bool:
    return sys.stdin.isatty() and typer.confirm(
        f"{doing} {customer.name} although this is unknown?", err=True
    )
