"""Which adapters the workflows get, in one place.

Those that ask name servers or hosts, or make keys, are imported when called for: loading them takes longer
than most commands.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.adapters import archives, audit_file, dkim_keys, inventory_files, passwords
from provisioner.adapters.audit_file import AuditFile
from provisioner.adapters.dem_files import DemFiles
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.answers import Outcome
from provisioner.core.audit import HELD, AuditEntry
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Address, FleetSettings, Inventory
from provisioner.workflows import dem, fleet_secrets
from provisioner.workflows.fleet_secrets import SecretsReport
from provisioner.workflows.ports import KeyMaker
from provisioner.workflows.push import PushReport, push_tenants
from provisioner.workflows.rotation import Tools
from provisioner.workflows.transitions import Fault, Happening

if TYPE_CHECKING:
    from provisioner.adapters.blocking import Blocking
    from provisioner.adapters.dns_update import DnsUpdater
    from provisioner.adapters.resolver import Authorities, OneServer

TSIG_SECRET = "vault_dns_tsig_secret"  # noqa: S105 - the variable's name


def now() -> datetime:
    """The present time, in whole seconds, UTC."""
    return datetime.now(UTC).replace(microsecond=0)


def ensure_secrets(inventory: Path) -> SecretsReport:
    """Make what is missing or due of an inventory's secrets; says what was made. Raises InventoryError."""
    from provisioner.adapters.secret_files import SecretFiles

    with inventory_files.locked(inventory):
        return fleet_secrets.ensure_secrets(inventory_files.load(inventory), SecretFiles(inventory), now())


def push(inventory: Path) -> PushReport:
    """Bring the tenant bundle of an inventory to all its frontends and backends. Raises InventoryError."""
    from provisioner.adapters import tenants

    store = TenantFiles(inventory)
    with store.locked():
        loaded = store.load()
        return push_tenants(loaded, store.key_loader(loaded), tenants.push)


def resolver(settings: FleetSettings) -> Blocking:
    """Every authoritative server, found through the fleet's or system's resolver; asked anew each time."""
    from provisioner.adapters.blocking import Blocking
    from provisioner.adapters.resolver import Authorities

    return Blocking(Authorities(str(settings.dns_resolver) if settings.dns_resolver else None))


def asker(inventory: Inventory, server: str | None = None) -> Authorities | OneServer:
    """The one server given, else every authoritative one; for one look, in which no question is put twice."""
    from provisioner.adapters.dns_wire import Wire
    from provisioner.adapters.resolver import Authorities, OneServer

    wire, settings = Wire(remember=True), inventory.settings
    if server:
        return OneServer(server, wire)
    whole = {settings.dkim_zone, *(domain for customer in inventory.customers for domain in customer.domains)}
    return Authorities(str(settings.dns_resolver) if settings.dns_resolver else None, wire, whole)


def answers(server: str) -> bool:
    """Whether a name server is there."""
    from provisioner.adapters.blocking import wait
    from provisioner.adapters.dns_wire import Wire
    from provisioner.adapters.resolver import OneServer

    return wait(OneServer(server, Wire(timeout=2.0)).ask(".", "NS")).outcome is not Outcome.TIMEOUT


def find_resolver(settings: FleetSettings) -> None:
    """See that the resolver is there by which all else is found. Raises UsageError."""
    from provisioner.adapters.resolver import system_resolver

    ours = settings.dns_resolver
    server = str(ours) if ours else system_resolver()
    if not answers(server):
        whose = "fleet_dns_resolver" if ours else "the system's resolver"
        raise UsageError(
            f"{whose} {server}: no name server answers there",
            hint="Without it nothing can be found out; --resolver asks another one where a command has it",
        )


def publisher(inventory: Inventory) -> DnsUpdater:
    """What publishes at the operator's primary. Raises UsageError when there is none, or no key for it."""
    from provisioner.adapters.dns_update import DnsUpdater
    from provisioner.adapters.secret_files import SecretFiles

    settings, path = inventory.settings, Path(inventory.path)
    if settings.dns_primary is None:
        raise UsageError(
            "The inventory names no DNS primary that takes updates",
            hint="Set fleet_dns_primary, or publish by hand what 'provisioner dns show' prints",
        )
    secret = SecretFiles(path).variables().get(TSIG_SECRET)
    if not secret:
        raise UsageError(f"{TSIG_SECRET} is not set", hint="'provisioner deploy' makes it when it is missing")
    try:
        return DnsUpdater(
            str(settings.dns_primary),
            key_name=settings.dns_tsig_name,
            algorithm=settings.dns_tsig_algorithm,
            secret=secret,
            ttl=settings.dns_ttl,
        )
    except ValueError as error:
        raise UsageError(f"{TSIG_SECRET} is not a TSIG key: it has to be base64") from error


def dem_tools(path: Path) -> dem.Tools:
    """What changes list servers in an inventory; in a lab it finds them addresses."""
    files = DemFiles(path)

    def address(taken: frozenset[Address]) -> Address:
        if not files.is_lab:
            raise UsageError("A list server needs an address", hint="Give its host's: --address 192.0.2.71")
        return files.free_lab_address(taken)

    return dem.Tools(TenantFiles(path), files, passwords, passwords.new_tag, address, archives.check)


def key_maker(settings: FleetSettings) -> KeyMaker:
    """What makes key pairs as the fleet wants them."""
    return partial(dkim_keys.generate, rsa_bits=settings.dkim_rsa_bits)


def rotation_tools(inventory: Inventory, *, look_only: bool = False) -> Tools:
    """What carries DKIM keys through their life; `look_only`: no host is changed. Raises UsageError."""
    from provisioner.adapters import signers, tenants
    from provisioner.adapters.probes import Probes

    names = resolver(inventory.settings)
    return Tools(
        make=key_maker(inventory.settings),
        push=tenants.look if look_only else tenants.push,
        signers=signers.read,
        resolver=names,
        publisher=publisher(inventory) if inventory.settings.dns_primary and not look_only else None,
        probe=Probes(names.lookup),
        now=now,
        audit=auditor(Path(inventory.path)),
    )


def auditor(inventory: Path) -> Callable[[Sequence[Happening]], None]:
    """What writes transitions of keys, and what held them, into an inventory's audit log."""
    log, who = AuditFile(inventory), audit_file.who()

    def entry(each: Happening) -> AuditEntry:
        if isinstance(each, Fault):
            return AuditEntry(each.at, who, each.subject, HELD, seen=each.message)
        return AuditEntry(each.at, who, each.subject, each.told, each.why, each.seen)

    def audit(happened: Sequence[Happening]) -> None:
        log.append([entry(each) for each in happened])

    return audit
