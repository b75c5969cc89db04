"""`provisioner dem report|guard|pause|resume`: what became of campaigns, and those that have to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from provisioner.adapters import campaign_page, campaigns, deliveries, dem_hosts, suppressions
from provisioner.adapters.dem_hosts import DemHost
from provisioner.adapters.yaml_files import write_atomic
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.dem import Check, Json, Name, app, found
from provisioner.core import campaigns as core
from provisioner.core.campaigns import Campaign, Report
from provisioner.core.dem import DemServer
from provisioner.core.errors import CheckFailed, HostsFailed, UsageError
from provisioner.core.fleet import Inventory
from provisioner.workflows.dem import host_of
from provisioner.workflows.usage_notices import sender_of


@app.command()
def report(
    ctx: typer.Context,
    name: Name,
    campaign: Annotated[str | None, typer.Argument(help="Its id; else the newest.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page for the customer.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a table for the customer.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the campaigns.")] = False,
    json: Json = False,
) -> None:
    """Show what became of a campaign: delivered, bounced by kind and provider, complaints, who left."""
    inventory, server, host = found(ctx, name)
    with dem_hosts.talking(host) as talk:
        there = campaigns.listed(talk)
    if list_:
        _listed(there, json=json)
        return
    chosen = next((each for each in there if campaign in {None, each.id}), None)
    if chosen is None:
        what = f"campaign {campaign!r}" if campaign else "campaign"
        raise UsageError(f"{server.host} has no {what}", hint=f"provisioner dem report {name} --list")
    made = report_of(inventory, server, chosen)
    language = server.language or language_of(inventory, server)
    if html is not None:
        write_atomic(html, campaign_page.page(made, server, language, wiring.now()))
    if csv is not None:
        write_atomic(csv, core.table(made))
    if json:
        output.as_json(_facts(made))
    else:
        _shown(made)


@dataclass(frozen=True)
class Guarded:
    """A campaign that was paused, or would be, and why."""

    customer: str
    campaign: str
    subject: str
    why: str
    told: tuple[str, ...] = ()


@app.command()
def guard(ctx: typer.Context, check: Check = False, json: Json = False) -> None:
    """Pause campaigns above their server's bounce or complaint rate, and tell support and the customer.

    For a timer. A server that is paused already is left alone. Exit code 1 when something was paused, 3 when
    a server did not answer; the others were looked at.
    """
    inventory = context(ctx).load()
    paused: list[Guarded] = []
    silent = at_each_server(
        inventory, lambda server, talk: paused.extend(_guard(inventory, server, talk, check=check))
    )
    if json:
        output.as_json(paused)
    else:
        for each in paused:
            output.say(
                f"{each.customer}: {each.subject!r}: {each.why}; told {', '.join(each.told) or 'nobody'}"
            )
    if silent:
        raise HostsFailed(f"Not looked at: {'; '.join(silent)}")
    if paused and not check:
        raise CheckFailed(f"Paused: {', '.join(each.customer for each in paused)}")


Reason = Annotated[str, typer.Option(help="Why, for the server's journal.", show_default=False)]


@app.command()
def pause(ctx: typer.Context, name: Name, reason: Reason, check: Check = False) -> None:
    """Hold a server's campaigns back, what waits and what comes; confirmations and other letters go on."""
    _hold(ctx, name, "pause", reason, check=check)


@app.command()
def resume(ctx: typer.Context, name: Name, reason: Reason, check: Check = False) -> None:
    """Let a server's campaigns go. `guard` pauses none again that began before."""
    _hold(ctx, name, "resume", reason, check=check)


def _hold(ctx: typer.Context, name: str, verb: str, reason: str, *, check: bool) -> None:
    _, server, host = found(ctx, name)
    if not reason.strip():
        raise UsageError("--reason says nothing")
    with dem_hosts.talking(host) as talk:
        was = bool(talk.ask("status").get("paused"))
        if not check:
            talk.ask(verb, question={"reason": reason})
    done, would = {"pause": ("are", "would be"), "resume": ("go", "would go")}[verb]
    how = "held back" if verb == "pause" else "on"
    already = " already" if was == (verb == "pause") else ""
    output.say(f"{server.host}: campaigns {would if check else done} {how}{already}")


def _guard(inventory: Inventory, server: DemServer, talk: DemHost, *, check: bool) -> list[Guarded]:
    status = talk.ask("status")
    if status.get("paused"):
        return []
    for campaign in core.guarded(campaigns.listed(talk), wiring.now(), status.get("resumed") or 0.0):
        made = report_of(inventory, server, campaign)
        why = core.too_much(server, made)
        if why:
            told: tuple[str, ...] = ()
            if not check:
                talk.ask("pause", question={"reason": why})
                told = _tell(inventory, server, made, why)
            return [Guarded(server.customer, campaign.id, campaign.subject, why, told)]
    return []


def _tell(inventory: Inventory, server: DemServer, made: Report, why: str) -> tuple[str, ...]:
    """Write to support and the customer; who was told. Nobody, where notices have no sender."""
    customer = inventory.customer(server.customer)
    assert customer is not None  # noqa: S101 - the inventory is valid
    try:
        sender, account = sender_of(inventory)
    except UsageError as error:
        output.note(f"Nobody was written to: {error.message}")
        return ()
    wanted = {inventory.settings.postmaster: "en", customer.contact: language_of(inventory, server)}
    notices = [
        {
            "account": account,
            "sender": sender,
            "recipient": to,
            "message": campaign_page.paused(made, server, why, language, sender, to, wiring.now()),
        }
        for to, language in wanted.items()
    ]
    try:
        answers = deliveries.hand_over(inventory.group("backends"), notices)
    except HostsFailed as error:
        output.note(f"Nobody was written to: {error.message}")
        return ()
    return tuple(to for to, (code, _) in zip(wanted, answers, strict=True) if code < 400)


def report_of(inventory: Inventory, server: DemServer, campaign: Campaign) -> Report:
    """What became of a campaign, from backends' logs and the suppression list. Raises HostsFailed."""
    backends = inventory.group("backends")
    attempts = campaigns.attempts(backends, server, campaign)
    later: Mapping[str, core.Attempt] = {}
    if campaign.until is not None:
        later = campaigns.attempts(backends, server, replace(campaign, started=campaign.until, until=None))
    entries = suppressions.every(inventory.group("frontends"), server.customer)
    return core.report(campaign, attempts, entries, later)


def at_each_server(inventory: Inventory, work: Callable[[DemServer, DemHost], None]) -> list[str]:
    """Do something at each list server; which of them could not be worked with, and why."""
    silent = []
    for server in inventory.dem:
        try:
            with dem_hosts.talking(host_of(inventory, server)) as talk:
                work(server, talk)
        except (HostsFailed, CheckFailed) as error:
            silent.append(f"{server.host}: {error.message}")
    return silent


def language_of(inventory: Inventory, server: DemServer) -> campaign_page.Language:
    """The language of what a server's customer gets to read."""
    customer = inventory.customer(server.customer)
    return customer.language if customer else "en"


def _listed(there: list[Campaign], *, json: bool) -> None:
    if json:
        output.as_json(there)
        return
    rows = [(c.id, f"{c.started:%Y-%m-%d %H:%M}", c.list_name, c.subject, str(c.recipients)) for c in there]
    output.table(("Campaign", "Began (UTC)", "List", "Subject", "Recipients"), rows)


def _facts(made: Report) -> dict[str, Any]:
    return {
        "campaign": made.campaign,
        "total": _numbers(made.total),
        "providers": {line.provider: _numbers(line) for line in made.lines},
        "complaints": made.complaints,
        "unsubscribed": made.campaign.unsubscribed,
        "removed": made.removed,
        "bounce_rate": round(made.bounce_rate, 2),
        "complaint_rate": round(made.complaint_rate, 3),
    }


def _numbers(line: core.Line) -> Mapping[str, object]:
    bounced = {kind.value: line.bounced.get(kind, 0) for kind in core.KINDS}
    return {
        "recipients": line.recipients,
        "delivered": line.delivered,
        "deferred": line.deferred,
        "bounced": bounced,
    }


def _shown(made: Report) -> None:
    campaign = made.campaign
    output.say(
        f"{campaign.subject} ({campaign.id}), to {campaign.list_name} "
        f"from {campaign.started:%Y-%m-%d %H:%M} UTC"
    )
    heads = (
        "Provider",
        "Recipients",
        "Delivered",
        "Deferred",
        *(f"Bounced {kind.value}" for kind in core.KINDS),
    )
    rows = [
        (
            line.provider or "all",
            *map(str, (line.recipients, line.delivered, line.deferred)),
            *(str(line.bounced.get(kind, 0)) for kind in core.KINDS),
        )
        for line in (*made.lines, made.total)
    ]
    output.table(heads, rows)
    output.say(
        f"{made.complaints} complaints, {campaign.unsubscribed} unsubscribed, "
        f"{len(made.removed)} addresses written to no more"
    )
