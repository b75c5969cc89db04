"""`provisioner dem create`: from nothing to a list server that has passed its test."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import role_settings
from provisioner.adapters.dem_files import DemFiles
from provisioner.adapters.lab import EmbeddedLab
from provisioner.adapters.secret_files import SecretFiles
from provisioner.cli import dem_check, fleet, output, wiring
from provisioner.cli.context import Context, context
from provisioner.cli.customer_gate import pass_gate
from provisioner.cli.dem import Check, Json, Name, app, facts_of
from provisioner.cli.forced import Force, Forced, Why
from provisioner.cli.progress import PlayProgress, clock
from provisioner.core.answers import Outcome
from provisioner.core.dem import Certificate, Software
from provisioner.core.errors import CheckFailed, UsageError
from provisioner.core.findings import Finding, all_good, worst_first
from provisioner.core.publishing import PublishStatus
from provisioner.core.records import Record, host_records, server_records, site_record
from provisioner.workflows import dem as workflow
from provisioner.workflows.customer import known
from provisioner.workflows.dem import Enrolled, WantedServer
from provisioner.workflows.deploy import DeployOptions
from provisioner.workflows.lab import make_machines

PLAYBOOK = "dem"
Say = Callable[[str], None]


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    site: Annotated[str, typer.Option(help="Its web name, in or below a domain of the customer.")],
    domain: Annotated[str | None, typer.Option(help="What newsletters come From:; else the site's.")] = None,
    software: Annotated[Software | None, typer.Option(help="The list software; else sympa.")] = None,
    archive: Annotated[str | None, typer.Option(help="phpList's: a path or an https URL.")] = None,
    sha256: Annotated[str | None, typer.Option(help="The archive's SHA-256.")] = None,
    host: Annotated[
        str | None, typer.Option(help="The host's name; else the next free dem1, dem2, …")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Its IP address; a lab finds one itself.")] = None,
    certificate: Annotated[
        Certificate | None, typer.Option(help="Who vouches for the site; else acme, in a lab the fleet.")
    ] = None,
    certificate_chain: Annotated[Path | None, typer.Option(help="With --certificate given: PEM.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="With --certificate given: PEM.")] = None,
    language: Annotated[str | None, typer.Option(help="Of its pages, en or it; else the customer's.")] = None,
    admin: Annotated[
        str | None, typer.Option(help="Who looks after it; else the customer's contact.")
    ] = None,
    discussions: Annotated[
        bool,
        typer.Option(
            "--discussions", help="Lists that members write to: the domain's mail comes through the fleet."
        ),
    ] = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Leave the final test out.")] = False,
    force: Force = False,
    reason: Why = "",
    check: Check = False,
    json: Json = False,
) -> None:
    """Set up a customer's list server; stopped at any point, it goes on when run again.

    A new one sends without limit, so the DNS of its customer has to be right, as for a larger plan.
    """
    if discussions and domain is None:
        raise UsageError(
            "--discussions needs --domain: all of its mail comes through the fleet",
            hint="Give the lists a domain of their own, as one of the customer's",
        )
    root, forced = context(ctx), Forced(force, reason)
    settings: dict[str, str | bool | None] = {
        "site": site,
        "domain": domain,
        "software": software.value if software else None,
        "archive": _archive(archive),
        "archive_sha256": sha256.lower() if sha256 else None,
        "certificate": certificate.value if certificate else None,
        "certificate_chain": str(certificate_chain.absolute()) if certificate_chain else None,
        "certificate_key": str(certificate_key.absolute()) if certificate_key else None,
        "language": language,
        "admin": admin,
        "discussions": discussions or None,
    }
    wanted = WantedServer(name, host, address, _with_certificate(root, name, settings))
    started = time.monotonic()
    tools = wiring.dem_tools(root.path)
    planned = workflow.enroll(tools, wanted, check=True)
    if planned.new:
        inventory = role_settings.load(root.path)
        customer = known(inventory, name)
        pass_gate(root.path, inventory, customer, "dem create", forced, quiet=json, check=check)
    if check:
        _planned(planned, json=json)
        return
    enrolled = workflow.enroll(tools, wanted)
    with PlayProgress(verbose=root.verbose, started=started, stderr=json) as progress:
        _bring_up(root, enrolled, progress)
        done, found = f"{enrolled.server.url} is there", None
        if not no_check and DemFiles(root.path).is_lab:
            progress.say("Testing it as its readers will use it")
            found = dem_check.judged(root, enrolled.server, dem_check.Wish(), progress.say)
            done = f"{done}, and its test is {'passed' if all_good(found) else 'failed'}"
        progress.say(f"{done}, in {clock(time.monotonic() - started)}")
    _told(root, enrolled, found, json=json)
    if found is not None:
        dem_check.require(found)
    elif not no_check:
        output.note(f"Not tested: 'provisioner dem check {name} --maildir …' does, with a mailbox of yours")


def _archive(given: str | None) -> str | None:
    return str(Path(given).expanduser().absolute()) if given and "://" not in given else given


def _with_certificate(
    root: Context, name: str, settings: dict[str, str | bool | None]
) -> dict[str, str | bool | None]:
    """A new server's certificate, when none is named: in a lab there is no public authority."""
    if settings["certificate"] is None and root.load().dem_server(name) is None:
        lab = DemFiles(root.path).is_lab
        return settings | {"certificate": (Certificate.FLEET if lab else Certificate.ACME).value}
    return settings


def _bring_up(root: Context, enrolled: Enrolled, progress: PlayProgress) -> None:
    """Everything after the inventory, each step complete or done again by the next run."""
    inventory, server, host = enrolled.inventory, enrolled.server, enrolled.host
    what = "added to the inventory" if enrolled.new else "is in the inventory already"
    progress.say(f"{server.host} ({host.address}) for {server.customer}: {what}")
    wiring.push(root.path).require_all()
    progress.say(f"Account {server.account} on every frontend and backend")
    if DemFiles(root.path).is_lab:
        machine = EmbeddedLab(root.path, frozenset({host.name}))
        make_machines(machine, inventory, SecretFiles(root.path), progress.say, wiring.now())
    _publish(enrolled, progress.say)
    if server.certificate is Certificate.ACME:
        _leads_there(enrolled)
    fleet.run(root, DeployOptions(limit=host.name, playbook=PLAYBOOK), progress)


def _publish(enrolled: Enrolled, say: Say) -> None:
    """Publish the names that lead to the host where the primary lets us; say which others need it."""
    inventory, host = enrolled.inventory, enrolled.host
    needed = server_records(inventory.settings, enrolled.server, host.address)
    records = (*needed, *host_records(inventory, host))
    try:
        results = wiring.publisher(inventory).publish(records)
    except UsageError:
        _to_publish(records, say)
        return
    done = {PublishStatus.PUBLISHED, PublishStatus.UNCHANGED}
    lacking = {(each.name, each.type): each.message for each in results if each.status not in done}
    say(f"{len(results) - len(lacking)} of {len(results)} names in DNS")
    _to_publish([each for each in records if (each.name, each.type) in lacking], say)


def _to_publish(records: tuple[Record, ...] | list[Record], say: Say) -> None:
    for each in records:
        say(f"To be published by whoever has the zone: {each.name} {each.type} {each.value}")


def _leads_there(enrolled: Enrolled) -> None:
    """See that a certificate can be had. Raises CheckFailed: the name leads elsewhere, or nowhere."""
    record = site_record(enrolled.server, enrolled.host.address)
    answer = wiring.resolver(enrolled.inventory.settings).lookup(record.name, record.type)
    if answer.outcome is not Outcome.FOUND or record.value not in answer.values:
        raise CheckFailed(
            f"{record.name} does not lead to {record.value} yet ({answer.seen}): no certificate can be had",
            hint=f"Publish {record.name} {record.type} {record.value}, then run the same command again",
        )


def _planned(enrolled: Enrolled, *, json: bool) -> None:
    facts = facts_of(enrolled.inventory, enrolled.server)
    if json:
        output.as_json(facts | {"new": enrolled.new})
        return
    output.say("It would be made:" if enrolled.new else "It is in the inventory; it would be completed:")
    output.table(("Setting", "Value"), [(key, str(value)) for key, value in facts.items()])


def _told(root: Context, enrolled: Enrolled, found: Sequence[Finding] | None, *, json: bool) -> None:
    password = DemFiles(root.path).passwords(enrolled.server.host)["admin"]
    if json:
        facts = facts_of(enrolled.inventory, enrolled.server)
        output.as_json(facts | {"admin_password": password, "findings": found})
        return
    if found is not None:
        output.findings(worst_first(found))
    output.say(f"  site      {enrolled.server.url}")
    output.say(f"  login     {enrolled.server.admin_login}")
    output.say(f"  password  {password}   (kept encrypted in the inventory, shown only now)")
