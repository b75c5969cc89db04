"""`provisioner report`: what was sent, held against a second witness; and telling customers of it."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

from provisioner.adapters import counters, deliveries, notice_files
from provisioner.cli import output
from provisioner.cli.context import context
from provisioner.cli.customer import Json
from provisioner.core import reconciliation
from provisioner.core.customers import Customer, today_in
from provisioner.core.errors import CheckFailed, UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.notices import due
from provisioner.core.reconciliation import Reconciled
from provisioner.core.usage import Counts, usages
from provisioner.core.usage import counters as counters_of
from provisioner.workflows import usage_notices
from provisioner.workflows.customer import known

DAYS_KEPT = 30
"""Days that backends keep their logs."""

app = typer.Typer(
    help="Reports: mail counted and delivered; notices to customers.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def usage(
    ctx: typer.Context,
    customer: Annotated[str | None, typer.Option(help="One customer; else all.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day; else yesterday.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Per cent of difference that are an alarm.", min=0)] = 1.0,
    json: Json = False,
) -> None:
    """Hold what frontends counted against what backends' delivery logs say they took; exit 1 on alarm."""
    inventory = context(ctx).load()
    wanted = (known(inventory, customer),) if customer else inventory.customers
    today = today_in(inventory.settings.time_zone)
    first = since.date() if since else today - timedelta(days=1)
    if not 0 <= (today - first).days <= DAYS_KEPT:
        raise UsageError(f"--since {first}: the logs have {DAYS_KEPT} days, today is {today}")
    counts = _counts(inventory, wanted, (today - first).days + 2)
    ledger = deliveries.read(inventory.group("backends"), reconciliation.begins(inventory, wanted, first))
    mail, strangers = reconciliation.by_customer(inventory, ledger)
    found = reconciliation.reconcile(inventory, wanted, counts, mail, first)
    off = [each.customer for each in found if each.is_off(threshold)]
    if json:
        rows = [_facts(each, threshold) for each in found]
        output.as_json({"since": first.isoformat(), "customers": rows, "unknown_logins": strangers})
    else:
        heads = ("Customer", "Counted", "Repeated", "Taken", "Delivered", "Failed", "Waiting", "Difference")
        output.table(heads, [_row(each, threshold) for each in found if each.counted or each.taken])
        for login, taken in () if customer else strangers.items():
            output.say(f"{login} is no customer's login any more; {taken} recipients were taken for it")
    if off:
        raise CheckFailed(
            f"Counted and taken differ by more than {threshold:g} %: {', '.join(off)}",
            hint="Look at the quota service's log on the frontends: was the counter store away, or emptied?",
        )


@app.command()
def warn(
    ctx: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Show who would be told; tell nobody.")] = False,
    json: Json = False,
) -> None:
    """Write to customers that have used 80 or 100 % of their day, once a day each. For cron."""
    inventory = context(ctx).load()
    usage_notices.sender_of(inventory)
    frontends, backends = inventory.group("frontends"), inventory.group("backends")
    wanted = due(usages(inventory, _counts(inventory, inventory.customers, 1)))
    if check:
        rows = [(each.usage.counter, f"{each.usage.share:.0%}", str(each.level)) for each in wanted]
        if json:
            output.as_json(
                [{"customer": name, "share": share, "level": level} for name, share, level in rows]
            )
        else:
            output.table(("Customer", "Used", "Notice"), rows)
        return
    told = usage_notices.tell(
        inventory,
        wanted,
        lambda names: counters.claim(frontends, names),
        lambda names: counters.release(frontends, names),
        notice_files.usage,
        lambda notices: deliveries.hand_over(backends, notices) if notices else [],
    )
    if json:
        output.as_json(
            [
                {"customer": each.notice.usage.counter, "level": each.notice.level, "contact": each.contact}
                | {"ok": each.ok, "answer": each.answer}
                for each in told
            ]
        )
    else:
        for each in told:
            output.say(f"{each.notice.usage.counter}: {each.notice.level} % to {each.contact}: {each.answer}")
    if refused := [each.contact for each in told if not each.ok]:
        raise CheckFailed(f"Not taken for {', '.join(refused)}", hint="The next run tries these again")


def _counts(inventory: Inventory, customers: tuple[Customer, ...], days: int) -> dict[str, Counts]:
    return counters.read(inventory.group("frontends"), counters_of(inventory, customers), days)


def _facts(found: Reconciled, threshold: float) -> dict[str, object]:
    more = {"waiting": found.waiting, "difference": found.difference, "alarm": found.is_off(threshold)}
    return dataclasses.asdict(found) | more


def _row(found: Reconciled, threshold: float) -> list[str | Text]:
    style = "bold red" if found.is_off(threshold) else ""
    numbers = (found.counted, found.repeated, found.taken, found.delivered, found.failed, found.waiting)
    return [
        found.customer,
        *map(str, numbers),
        Text(f"{found.difference:+d}" if found.difference else "0", style),
    ]
