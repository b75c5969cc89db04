"""`provisioner dns verify`: is what DNS says right in the eyes of those who receive the mail?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import Progress

from provisioner.adapters import readiness_page
from provisioner.cli import live_probes, output, wiring
from provisioner.cli.context import context
from provisioner.cli.dns import app
from provisioner.cli.dns_drift import FLEET, since_last
from provisioner.cli.dns_subjects import see_writable, server, spam_rate_file, write
from provisioner.cli.dns_subjects import subjects as chosen
from provisioner.core.checks import check_spam_rate
from provisioner.core.errors import CheckFailed, InventoryError, UsageError
from provisioner.core.findings import (
    Finding,
    Status,
    all_good,
    together,
    worst,
    worst_first,
    worst_subjects_first,
)
from provisioner.core.fleet import Inventory
from provisioner.core.junit import junit
from provisioner.core.profiles import Profile, judge
from provisioner.workflows import readiness
from provisioner.workflows.live import may_be_asked

EVERY = 5.0
"""Seconds between looks of --watch."""
SHOWN = 20

_WHY_NOT = {
    "spam-rate": "spam rates, which Postmaster Tools know; --spam-rates takes them",
    "dnsbl": "blocklists: fleet_blocklists names none",
}

Reports = dict[str, tuple[Finding, ...]]


@app.command()
def verify(
    ctx: typer.Context,
    domains: Annotated[
        list[str] | None, typer.Argument(help="Domains of customers.", show_default=False)
    ] = None,
    customer: Annotated[str | None, typer.Option(help="All domains of a customer.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All domains of all customers.")] = False,
    file: Annotated[Path | None, typer.Option("--file", help="Domains, one a line.")] = None,
    fleet: Annotated[bool, typer.Option("--fleet", help="The fleet's own names and addresses.")] = False,
    profile: Annotated[Profile, typer.Option(help="In whose eyes.")] = Profile.ALL,
    resolver: Annotated[
        str | None,
        typer.Option(help="Ask this server and believe it.", metavar="ADDRESS", show_default=False),
    ] = None,
    authoritative: Annotated[
        bool, typer.Option("--authoritative", help="Ask every server that has authority; the default.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again until everything is right.")] = False,
    timeout: Annotated[int, typer.Option(help="Seconds that --watch goes on at most.", min=1)] = 86_400,
    drift: Annotated[
        bool,
        typer.Option(
            "--since-last", help="Tell only what was right the last time and is wrong now. For timers."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page that can be sent to the customer.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit's XML.")] = None,
    lang: Annotated[Literal["en", "it"], typer.Option(help="The page's language.")] = "en",
    live: Annotated[
        bool, typer.Option("--live", help="Talk to the fleet too: TLS, bounce mailboxes, one-click headers.")
    ] = False,
    unsubscribe_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help="With --live: ask this link of the customer's; POST unsubscribes whom it is for.",
        ),
    ] = None,
    spam_rates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="CSV with domain and rate, as Google's Postmaster Tools have them."
        ),
    ] = None,
) -> None:
    """Compare what DNS says with what receivers ask for, for each domain and every egress address.

    --live asks the fleet itself besides: it has every backend sign a message that nobody receives.

    Exit code 0 when everything was seen to be right, 1 when something is wrong or in doubt; with --since-last
    1 only for what got worse. Its first run keeps what it finds, and so does each for the next one with the
    same profile, --live, --unsubscribe-url and --spam-rates.
    """
    inventory = context(ctx).load()
    subjects = chosen(inventory, domains, customer, file, everything=everything, fleet=fleet)
    if resolver and authoritative:
        raise UsageError("Give --resolver or --authoritative, not both")
    if watch and drift:
        raise UsageError("Give --watch or --since-last, not both")
    if watch and unsubscribe_url:
        raise UsageError("Not --watch with --unsubscribe-url: it would unsubscribe again at each look")
    if unsubscribe_url and not (live and domains):
        raise UsageError("--unsubscribe-url goes with --live and the domain it is of")
    if unsubscribe_url:
        may_be_asked(inventory, next(filter(None, subjects)), unsubscribe_url)
    see_writable(html)
    see_writable(junit_file)
    rates = spam_rate_file(spam_rates) if spam_rates else None
    probe = (
        (lambda: live_probes.look(context(ctx).path, inventory, subjects, unsubscribe_url)) if live else None
    )
    look = _Look(inventory, subjects, profile, server(inventory, resolver), probe, rates)
    reports = _until_right(look, context(ctx).load, timeout) if watch else asyncio.run(look.once())
    if html:
        write(html, readiness_page.page(reports, lang, wiring.now(), profile.value))
    if junit_file:
        write(junit_file, junit(reports))
    if drift:
        extra = {"live": live, "unsubscribe-url": unsubscribe_url, "spam-rates": spam_rates}
        kind = " ".join([profile.value, *(name for name, given in extra.items() if given)])
        since_last(context(ctx).path, kind, reports, everything=everything, json=json)
        return
    found = [finding for each in reports.values() for finding in each]
    missing = [
        *(["spam-rate"] if any(subjects) and not spam_rates else []),
        *(["dnsbl"] if None in subjects and not inventory.settings.blocklists else []),
    ]
    if json:
        output.as_json(
            {"status": worst(found), "profile": profile, "not_looked_at": missing, "reports": reports}
        )
    else:
        _show(reports)
        for each in missing:
            output.note(f"Not looked at: {_WHY_NOT[each]}")
    if not all_good(found):
        bad = [name for name, each in reports.items() if not all_good(each)]
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise CheckFailed(f"DNS is not right, or in doubt: {', '.join(bad[:SHOWN])}{more}")


@dataclass(frozen=True)
class _Look:
    """What to look at, and how."""

    inventory: Inventory
    subjects: Sequence[str | None]
    profile: Profile
    resolver: str | None
    probe: Callable[[], live_probes.Talked] | None = None
    rates: Mapping[str, float] | None = None

    async def once(self) -> Reports:
        """One look, in which no question is put twice; with a line of progress when it takes long."""
        found: dict[str | None, tuple[Finding, ...]] = {}
        talked = self.probe() if self.probe else live_probes.Talked()
        with Progress(
            console=output.console(stderr=True), transient=True, disable=len(self.subjects) < SHOWN
        ) as bar:
            row = bar.add_task("Domains", total=len(self.subjects))
            dns = wiring.asker(self.inventory, self.resolver)
            async for report in readiness.verify(self.inventory, self.subjects, dns, used=talked.used):
                found[report.domain] = (*report.findings, *self._rated(report.domain))
                bar.advance(row)
        judged = {
            name or FLEET: together(judge((*found[name], *talked.found.get(name, ())), self.profile))
            for name in self.subjects
        }
        return worst_subjects_first(judged)

    def _rated(self, domain: str | None) -> tuple[Finding, ...]:
        return (check_spam_rate(domain, self.rates),) if domain and self.rates is not None else ()


def _until_right(look: _Look, load: Callable[[], Inventory], seconds: int) -> Reports:
    """Look until everything is right, or the time is over; tell what comes right on the way.

    The inventory is read anew for each look: keys come to sign meanwhile. While somebody writes it, what it
    said before counts.
    """
    deadline, open_before = time.monotonic() + seconds, -1
    with output.console(stderr=True).status("Looking") as line:
        while True:
            reports = asyncio.run(look.once())
            wrong = [
                f for found in reports.values() for f in found if f.status in {Status.FAIL, Status.UNKNOWN}
            ]
            if not wrong or time.monotonic() + EVERY > deadline:
                return reports
            text = f"{len(wrong)} to come right: " + "; ".join(f"{f.id} {f.subject}" for f in wrong[:3])
            if len(wrong) != open_before:
                output.note(text)
                open_before = len(wrong)
            line.update(text)
            time.sleep(EVERY)
            with suppress(InventoryError):
                look = replace(look, inventory=load())


def _show(reports: Mapping[str, Sequence[Finding]]) -> None:
    """Few subjects in full, worst first; of many those where something is to be done."""
    every = len(reports) < SHOWN
    for name, found in reports.items():
        if every or worst(found) is not Status.PASS:
            output.findings(
                worst_first(found), title=readiness_page.readable(name) if len(reports) > 1 else ""
            )
    counts = {status: sum(worst(found) is status for found in reports.values()) for status in Status}
    if len(reports) > 1:
        output.say("  ".join(f"{count} {status.value}" for status, count in counts.items() if count))
