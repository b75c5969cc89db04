"""`provisioner dem send-reports`: customers get the report of each campaign by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from provisioner.adapters import campaign_page, campaigns, counters, deliveries
from provisioner.adapters.dem_hosts import DemHost
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.dem import Check, Json, app
from provisioner.cli.dem_report import at_each_server, language_of, report_of
from provisioner.core import campaigns as core
from provisioner.core.campaigns import Campaign
from provisioner.core.dem import DemServer
from provisioner.core.errors import CheckFailed, HostsFailed
from provisioner.core.fleet import Inventory
from provisioner.workflows.usage_notices import sender_of


@dataclass(frozen=True)
class Sent:
    """A report that was due; answer: the backend's, empty where it was only looked at."""

    customer: str
    campaign: str
    subject: str
    contact: str
    ok: bool = True
    answer: str = ""


@app.command()
def send_reports(ctx: typer.Context, check: Check = False, json: Json = False) -> None:
    """Send each customer the report of each campaign, a day after it began, once.

    For a timer that runs at least once a day. Exit code 1 when a report was not taken, 3 when a server did
    not answer; what was not sent is sent by the next run.
    """
    inventory = context(ctx).load()
    sender_of(inventory)
    sent: list[Sent] = []

    def report(server: DemServer, talk: DemHost) -> None:
        for campaign in core.to_report(campaigns.listed(talk), wiring.now()):
            sent.extend((_look if check else _send)(inventory, server, campaign))

    silent = at_each_server(inventory, report)
    if json:
        output.as_json(sent)
    else:
        for each in sent:
            output.say(f"{each.customer}: {each.subject!r} to {each.contact}: {each.answer or 'is due'}")
    if silent:
        raise HostsFailed(f"Not reported: {'; '.join(silent)}")
    if refused := [each.contact for each in sent if not each.ok]:
        raise CheckFailed(f"Not taken for {', '.join(refused)}", hint="The next run tries these again")


def _look(inventory: Inventory, server: DemServer, campaign: Campaign) -> list[Sent]:
    return [Sent(server.customer, campaign.id, campaign.subject, _contact(inventory, server))]


def _send(inventory: Inventory, server: DemServer, campaign: Campaign) -> list[Sent]:
    """Hand the report over, unless that was done before. Raises HostsFailed."""
    frontends = inventory.group("frontends")
    name = f"campaign:{server.host}:{campaign.id}"
    if not counters.claim(frontends, [name])[0]:
        return []
    sender, account = sender_of(inventory)
    contact = _contact(inventory, server)
    ok, answer = False, ""
    try:
        made, now = report_of(inventory, server, campaign), wiring.now()
        message = campaign_page.reported(made, server, language_of(inventory, server), sender, contact, now)
        notice = {"account": account, "sender": sender, "recipient": contact, "message": message}
        [(code, answer)] = deliveries.hand_over(inventory.group("backends"), [notice])
        ok = code < 400
    finally:
        if not ok:
            counters.release(frontends, [name])
    return [Sent(server.customer, campaign.id, campaign.subject, contact, ok, answer)]


def _contact(inventory: Inventory, server: DemServer) -> str:
    customer = inventory.customer(server.customer)
    assert customer is not None  # noqa: S101 - the inventory is valid
    return customer.contact
