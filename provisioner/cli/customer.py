"""`provisioner customer`: who may send through the fleet."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from provisioner.adapters import audit_file, counters, passwords, tenants
from provisioner.adapters.audit_file import AuditFile
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.commands import Subcommands
from provisioner.cli.context import context
from provisioner.core.audit import AuditEntry
from provisioner.core.customers import Customer, Suspension, today_in
from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.gate import NOT_ACTIVE
from provisioner.core.plans import LIMITS
from provisioner.core.usage import Ban, counted_apart, holding, zone
from provisioner.workflows import customer as workflow
from provisioner.workflows.customer import Added, NewCustomer
from provisioner.workflows.push import PushReport

app = typer.Typer(
    help="Customers: who may send, in which names, on which plan.",
    no_args_is_help=True,
    cls=Subcommands,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoPush = Annotated[bool, typer.Option("--no-push", help="Change the inventory alone, no host.")]


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name: a-z, 0-9 and hyphens.")],
    domain: Annotated[list[str], typer.Option("--domain", help="A domain it sends in; repeat for more.")],
    contact: Annotated[str, typer.Option(help="E-mail address of the one responsible.")],
    plan: Annotated[str, typer.Option(help="Its plan, one of plans.yml.")] = "base",
    login: Annotated[str | None, typer.Option(help="The account's login; else the name.")] = None,
    inactive: Annotated[
        bool,
        typer.Option("--inactive", help="Refuse its mail until 'customer activate' finds its DNS right."),
    ] = False,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Add a customer with one account. Its password is shown once, and kept nowhere."""
    path = context(ctx).path
    held = Suspension(reason=NOT_ACTIVE, since=wiring.now()) if inactive else None
    wanted = NewCustomer(name, contact, tuple(domain), plan, login, held)
    announced: list[Added] = []

    def announce(added: Added) -> None:
        announced.append(added)
        if not json:
            output.say(f"Added {added.customer.name} in {added.file}")
            output.say(f"  login     {added.customer.accounts[0].login}")
            output.say(f"  password  {added.password}   (shown only now)")

    push = None if no_push else tenants.push
    try:
        report = workflow.add(TenantFiles(path), passwords, wanted, announce, push)
    finally:
        if json and announced:
            added = announced[0]
            facts = {"login": added.customer.accounts[0].login, "password": added.password}
            output.as_json(facts_of(added.customer) | facts | {"file": added.file})
    told(report, quiet=json)
    if not json:
        first = announced[0].customer.domains[0]
        activate = f"; then provisioner customer activate {name}" if inactive else ""
        rotate = f"provisioner dkim rotate {first} --apply --wait"
        output.say(f"Next: provisioner dns show {first}; then {rotate}{activate}")


@app.command("list")
def list_customers(ctx: typer.Context, json: Json = False) -> None:
    """List all customers."""
    inventory = context(ctx).load()
    ended = {customer.name: _ended(inventory, customer) for customer in inventory.customers}
    if json:
        output.as_json(
            [facts_of(each) | {"ended_overrides": ended[each.name]} for each in inventory.customers]
        )
        return
    rows = [(c.name, c.plan, ", ".join(c.domains), ", ".join(c.logins)) for c in inventory.customers]
    output.table(("Customer", "Plan", "Domains", "Logins"), rows)
    for name, limits in ended.items():
        for limit in limits:
            output.say(f"{name}: the override of {limit} has ended; 'customer override {name} {limit} --end'")


@app.command()
def show(ctx: typer.Context, name: str, json: Json = False) -> None:
    """Show a customer: its limits, its domains' DKIM keys, and who is banned for failed logins."""
    inventory = context(ctx).load()
    customer = workflow.known(inventory, name)
    keys = {domain: _keys(inventory, domain) for domain in customer.domains}
    limits = _limits(inventory, customer)
    if json:
        bans = _bans(inventory, customer)
        more = {"limits": limits, "ended_overrides": _ended(inventory, customer), "keys": keys, "bans": bans}
        output.as_json(facts_of(customer) | more)
        return
    rows = [
        ("contact", customer.contact),
        ("plan", customer.plan),
        ("domains", ", ".join(customer.domains)),
        *(("own plan", f"{a.login}: {a.plan}, counted by itself") for a in counted_apart(customer)),
        ("time zone", customer.time_zone or inventory.settings.time_zone),
    ]
    if customer.suspended:
        rows.append(("suspended", f"{customer.suspended.reason} (since {customer.suspended.since:%Y-%m-%d})"))
    rows += [
        (
            "dead return path",
            f"{path}: {found.answer} (since {found.since:%Y-%m-%d}); its mail to many is refused",
        )
        for path, found in customer.dead_return_paths.items()
    ]
    output.table(("Customer", customer.name), rows)
    accounts_table(customer)
    today = today_in(customer.time_zone or inventory.settings.time_zone)
    over = [
        f"{name}: override until {each.until} ({each.reason}){'' if each.holds(today) else ' has ended'}"
        for name, each in customer.overrides.items()
    ]
    output.table(
        ("Limit", "Value"),
        [(name, "none" if value is None else str(value)) for name, value in limits.items()],
    )
    for line in over:
        output.say(f"  {line}")
    output.table(
        ("Domain", "DKIM keys"), [(domain, ", ".join(found) or "none") for domain, found in keys.items()]
    )
    bans = _bans(inventory, customer)
    if bans is None:
        output.say("Whether anybody is banned is not known: no frontend answers.")
    for ban in bans or ():
        output.say(f"Banned: {ban}; 'provisioner customer unban {name}' ends it")


@app.command()
def remove(
    ctx: typer.Context,
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    no_push: NoPush = False,
    json: Json = False,
) -> None:
    """Remove a customer: its file, and its accounts and keys from the hosts. Its keys then retire."""
    path = context(ctx).path
    store = TenantFiles(path)
    inventory = store.load()
    customer = workflow.known(inventory, name)
    if json and not yes:
        raise UsageError("With --json nobody is asked", hint="Add --yes")
    if not json:
        _warn(store, inventory, customer)
    if not yes and not typer.confirm("Remove?"):
        raise UsageError(f"{name} was not removed")

    def announce(before: Inventory, gone: Customer) -> None:
        AuditFile(path).append([_gone(name, domain) for domain in workflow.retirement(before, gone)])

    hosts = None if no_push else tenants.push
    files, report = workflow.remove(store, name, hosts, announce)
    if json:
        output.as_json({"name": name, "files": list(files)})
    else:
        output.say(f"Removed {', '.join(files)}")
    told(report, quiet=json)


def _warn(store: TenantFiles, inventory: Inventory, customer: Customer) -> None:
    """Tell what goes with a customer, and what stays."""
    output.say(f"This removes {customer.name} with {len(customer.accounts)} account(s), for good:")
    for file in store.files_of(customer):
        output.say(f"  {file}")
    stay = workflow.retirement(inventory, customer)
    if stay:
        output.say("No host signs with its keys then. Their records stay, as mail may be on its way:")
        output.say(
            "  the next 'provisioner dkim rotate --all-due --apply' has them retire, and one that comes"
        )
        output.say(
            f"  {max(stay.values()).days} days later withdraws and destroys them. A timer may run it daily."
        )


def _gone(customer: str, domain: str) -> AuditEntry:
    why = f"customer {customer} removed"
    return AuditEntry(wiring.now(), audit_file.who(), domain, "nobody's any more", why)


@app.command()
def push(ctx: typer.Context, json: Json = False) -> None:
    """Bring what the inventory says of customers and keys to every frontend and backend."""
    report = wiring.push(context(ctx).path)
    if json:
        output.as_json(dataclasses.asdict(report))
    told(report, quiet=json)


def told(report: PushReport | None, *, quiet: bool = False) -> None:
    """Say how each host took a push; raises HostsFailed when one did not."""
    if report is None:
        if not quiet:
            output.say("No host was changed; 'provisioner customer push' brings it to them.")
        return
    if not quiet:
        for result in report.results:
            state = (
                f"has {result.version} ({result.seconds:.1f} s)" if result.ok else f"failed: {result.message}"
            )
            output.say(f"  {result.host:<12} {state}")
    report.require_all()


def facts_of(customer: Customer) -> dict[str, object]:
    """What is shown of a customer: all but the password hashes."""
    return {
        "name": customer.name,
        "contact": customer.contact,
        "plan": customer.plan,
        "domains": list(customer.domains),
        "logins": list(customer.logins),
        "accounts": accounts_of(customer),
        "own_plans": {account.login: account.plan for account in counted_apart(customer)},
        "time_zone": customer.time_zone,
        "suspended": customer.suspended.reason if customer.suspended else None,
        "dead_return_paths": {path: found.answer for path, found in customer.dead_return_paths.items()},
        "overrides": {
            name: {"value": each.value, "until": each.until.isoformat(), "reason": each.reason}
            for name, each in customer.overrides.items()
        },
    }


def accounts_of(customer: Customer) -> list[dict[str, object]]:
    """What is shown of a customer's accounts; empty domains are all of its own, empty networks are any."""
    return [
        {
            "login": account.login,
            "domains": list(account.domains),
            "networks": [str(network) for network in account.networks],
        }
        for account in customer.accounts
    ]


def accounts_table(customer: Customer) -> None:
    """Print the accounts for a person."""
    output.table(
        ("Account", "Domains", "Networks"),
        [
            (each.login, ", ".join(each.domains) or "all", ", ".join(map(str, each.networks)) or "any")
            for each in customer.accounts
        ],
    )


def _ended(inventory: Inventory, customer: Customer) -> list[str]:
    """The limits whose overrides hold no more, in the customer's time zone."""
    return list(customer.expired(today_in(zone(inventory, customer))))


def _bans(inventory: Inventory, customer: Customer) -> tuple[Ban, ...] | None:
    """Who is kept from the customer's logins; None when no frontend can tell."""
    try:
        return counters.bans(inventory.group("frontends"), customer.logins)
    except HostsFailed:
        return None


def _keys(inventory: Inventory, domain: str) -> list[str]:
    return [f"{key.selector} ({key.algorithm.value}, {key.state.value})" for key in inventory.keys_of(domain)]


def _limits(inventory: Inventory, customer: Customer) -> dict[str, int | None]:
    return {name: holding(inventory, customer, name) for name in LIMITS}
