"""`provisioner dkim`: the keys that sign a domain's mail."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from provisioner.adapters import audit_file, dkim_keys
from provisioner.adapters.audit_file import AuditFile
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.commands import Subcommands
from provisioner.cli.context import context
from provisioner.core.audit import AuditEntry
from provisioner.core.dkim import DkimKey
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.records import dkim_needed, dkim_target
from provisioner.workflows import dkim as workflow
from provisioner.workflows import dkim_import
from provisioner.workflows.customer import known
from provisioner.workflows.rotation import all_domains

app = typer.Typer(
    help="DKIM keys for life: made, published, proven, rotated and destroyed.",
    no_args_is_help=True,
    cls=Subcommands,
    add_completion=False,
)

Domain = Annotated[str, typer.Argument(help="A customer's domain.", show_default=False)]
Domains = Annotated[list[str] | None, typer.Argument(help="Domains of customers.", show_default=False)]
OfCustomer = Annotated[str | None, typer.Option("--customer", help="All domains of a customer.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log.")]


def chosen(inventory: Inventory, domains: Sequence[str] | None, customer: str | None) -> tuple[str, ...]:
    """The domains asked for by name or customer. Raises UsageError for both, or neither."""
    if bool(domains) == bool(customer):
        raise UsageError("Give domains or --customer, one of them")
    if customer:
        return known(inventory, customer).domains
    return tuple(dict.fromkeys(workflow.with_keys(inventory, domain) for domain in domains or ()))


def chosen_or_all(
    inventory: Inventory,
    domains: Sequence[str] | None,
    customer: str | None,
    *,
    everything: bool,
    option: str = "--all",
) -> tuple[str, ...]:
    """The domains asked for, or all that have keys, perhaps none. Raises UsageError for both, or neither."""
    if (bool(domains), bool(customer), everything).count(True) != 1:
        raise UsageError(f"Give domains, --customer or {option}, one of them")
    names = all_domains(inventory) if everything else chosen(inventory, domains, customer)
    if not names:
        output.note("No domain has keys yet. Make the first: provisioner dkim rotate DOMAIN --apply")
    return names


@app.command()
def generate(
    ctx: typer.Context,
    domains: Domains = None,
    customer: OfCustomer = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Make domains' first keys, RSA and Ed25519; those that are there stay. They do not sign yet."""
    path, inventory = context(ctx).path, context(ctx).load()
    store, audit = TenantFiles(path), wiring.auditor(path)
    make, why = wiring.key_maker(inventory.settings), reason or "asked for"
    names = chosen(inventory, domains, customer)
    done = [workflow.generate(store, make, name, wiring.now(), audit, why) for name in names]
    made, kept = ([key for each in done for key in getattr(each, part)] for part in ("made", "kept"))
    if json:
        output.as_json({"made": [facts(key) for key in made], "kept": [facts(key) for key in kept]})
        return
    for key in made:
        output.say(f"Made {key.selector} ({key.algorithm.value}) for {key.domain}")
    if not made:
        output.say("There were keys already; nothing was made.")
    whose = f"--customer {customer}" if customer else " ".join(names)
    output.say(f"Next: provisioner dkim rotate {whose} --apply --wait")


@app.command()
def show(
    ctx: typer.Context, domains: Domains = None, customer: OfCustomer = None, json: Json = False
) -> None:
    """Show domains' keys, their state, the records that they need, and what was done to them."""
    inventory = context(ctx).load()
    names = chosen(inventory, domains, customer)
    log = AuditFile(context(ctx).path)
    if json:
        keys = [facts(key) for name in names for key in inventory.keys_of(name)]
        output.as_json({"keys": keys, "history": list(log.entries(names))})
        return
    for name in names:
        if len(names) > 1:
            output.say(f"\n{name}")
        _show(inventory, inventory.keys_of(name), list(log.entries([name])))


def _show(inventory: Inventory, keys: Sequence[DkimKey], history: Sequence[AuditEntry]) -> None:
    output.table(
        ("Selector", "Algorithm", "Slot", "State", "Since", "Fingerprint"),
        [
            (key.selector, key.algorithm.value, str(key.slot), key.state.value, _since(key), key.id[:16])
            for key in keys
        ],
    )
    for key in keys:
        needed = dkim_needed(inventory, key)
        if needed.type == "CNAME":
            output.say(f"{needed.name}. CNAME {needed.value}.")
        target = dkim_target(inventory.settings, key.domain, key.selector)
        owner = needed.name if needed.type == "TXT" else target
        output.say(f'{owner}. TXT "{key.record.render()}"')
    if history:
        output.say("")
        rows = [(str(each.at), each.who, each.subject, each.action, each.why, each.seen) for each in history]
        output.table(("When", "Who", "What", "Done", "Why", "Seen"), rows)


@app.command("import")
def import_(
    ctx: typer.Context,
    domain: Domain,
    file: Annotated[Path, typer.Argument(help="The private key, PEM.", exists=True, dir_okay=False)],
    selector: Annotated[str, typer.Option(help="The selector under which DNS has its public half.")],
    passphrase_file: Annotated[
        Path | None, typer.Option(help="A file with the key's passphrase.", exists=True, dir_okay=False)
    ] = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Take over a key of another system. It signs after the same proof as any other: dkim rotate --apply."""
    path = context(ctx).path
    passphrase = passphrase_file.read_bytes().strip() if passphrase_file else None
    read = dkim_keys.read(file.read_bytes(), passphrase)
    resolver = wiring.resolver(context(ctx).load().settings)

    def announce(key: DkimKey) -> None:
        _audit(path, key, f"imported as {key.id[:16]}", reason)

    key = dkim_import.take_over(TenantFiles(path), resolver, domain, selector, read, wiring.now(), announce)
    if json:
        output.as_json(facts(key))
        return
    output.say(f"{key.domain} has {key.selector} ({key.algorithm.value}) in slot {key.slot}")
    output.say(f"Next: provisioner dkim rotate {key.domain} --apply --wait; then destroy {file}")


@app.command()
def export(
    ctx: typer.Context,
    domain: Domain,
    selector: Annotated[str, typer.Argument(help="The key's selector.")],
    out: Annotated[Path, typer.Option(help="The file to write, which must not be there yet.")],
    confirm: Annotated[str, typer.Option(help="The domain once more: you want its private key.")] = "",
    reason: Reason = "",
) -> None:
    """Write a private key in the clear to a file of mode 0600. Refused unless asked for twice."""
    store = TenantFiles(context(ctx).path)
    inventory = store.load()
    name = workflow.owned(inventory, domain)
    key = next((each for each in inventory.keys_of(name) if each.selector == selector), None)
    if key is None:
        raise UsageError(f"{name} has no key {selector}", hint=f"provisioner dkim show {name}")
    if confirm != name or not reason:
        raise UsageError(
            "Whoever has this key can sign in the domain's name; nothing was written",
            hint=f"If that is what you want: --confirm {name} --reason '…'",
        )
    private = store.key_loader(inventory)(key.id)
    _audit(context(ctx).path, key, f"private key exported to {out}", reason)
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"{out} can't be written: {error.strerror}") from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(private)
    output.say(f"Wrote the private key {selector} of {name} to {out}")


def _audit(inventory: Path, key: DkimKey, action: str, why: str) -> None:
    subject = f"{key.domain} slot {key.slot}"
    entry = AuditEntry(wiring.now(), audit_file.who(), subject, f"{key.selector} {action}", why)
    AuditFile(inventory).append([entry])


def _since(key: DkimKey) -> str:
    return str(key.since or key.created)


def facts(key: DkimKey) -> dict[str, object]:
    """A key for JSON."""
    return key.model_dump(mode="json") | {"id": key.id, "record": key.record.render()}
