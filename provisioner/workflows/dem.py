"""A customer's list server joins and leaves the inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import count
from typing import TypeVar

from pydantic import ValidationError

from provisioner.core.claims import own_names
from provisioner.core.customers import Account, Customer
from provisioner.core.dem import GROUP, PLAN, DemServer
from provisioner.core.dem_rules import objections
from provisioner.core.documents import model_problems
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Address, Host, Inventory
from provisioner.core.names import is_within
from provisioner.workflows.customer import known
from provisioner.workflows.ports import DemStore, Passwords, TenantStore

T = TypeVar("T")

PASSWORDS = ("account", "admin", "database")
"""What a server has passwords for."""


@dataclass(frozen=True)
class WantedServer:
    """What is asked for, as a person typed it; None leaves it to us. settings: of DemServer, by its names."""

    customer: str
    host: str | None = None
    address: str | None = None
    settings: Mapping[str, str | bool | None] | None = None

    @property
    def given(self) -> dict[str, str | bool]:
        """The settings that were named."""
        return {name: value for name, value in (self.settings or {}).items() if value is not None}


@dataclass(frozen=True)
class Tools:
    """What the inventory is changed with.

    new_tag: 8 hex digits that nobody guesses. free_address: for a host that was given none; it raises
    UsageError where there are none to give. check_archive: raises UsageError for an archive with another
    SHA-256.
    """

    store: TenantStore
    servers: DemStore
    passwords: Passwords
    new_tag: Callable[[], str]
    free_address: Callable[[frozenset[Address]], Address]
    check_archive: Callable[[str, str], None]


@dataclass(frozen=True)
class Enrolled:
    """A list server as the inventory has it now, and whether it is new there."""

    inventory: Inventory
    server: DemServer
    host: Host
    new: bool


def enroll(tools: Tools, wanted: WantedServer, *, check: bool = False) -> Enrolled:
    """Bring a customer's list server into the inventory, with an account of its own and new passwords.

    One that is there already as it is wanted is left alone. check: write nothing. Raises UsageError with
    everything that is wrong; nothing is changed then.
    """
    with tools.store.locked():
        inventory = tools.store.load()
        customer = known(inventory, wanted.customer)
        there = inventory.dem_server(customer.name)
        if there is not None:
            return _agreed(inventory, there, wanted)
        wrong = _Wrong()
        name = wrong.tried(lambda: _host_name(inventory, wanted)) or f"{GROUP}1"
        address = (
            wrong.tried(lambda: _address(inventory, wanted, tools)) or inventory.settings.virtual_address
        )
        if (given := wanted.given).get("archive") and given.get("archive_sha256"):
            wrong.tried(lambda: tools.check_archive(str(given["archive"]), str(given["archive_sha256"])))
        host = Host(name, address, frozenset({GROUP}))
        passwords = {name: tools.passwords.generate() for name in PASSWORDS}
        server, grown = _planned(inventory, customer, host.name, wanted, tools, passwords["account"], wrong)
        if check:
            others = tuple(grown if each.name == grown.name else each for each in inventory.customers)
            planned = replace(
                inventory,
                customers=others,
                hosts=(*inventory.hosts, host),
                dem=(*inventory.dem, server),
            )
            return Enrolled(planned, server, host, new=True)
        with tools.servers.unchanged_on_error(host.name, customer.name):
            tools.servers.write(server, passwords)
            tools.store.update_customer(customer, grown)
            tools.servers.add_host(host.name, host.address)
            inventory = tools.store.load()
        return Enrolled(inventory, server, host_of(inventory, server), new=True)


def leave(tools: Tools, customer: str) -> Inventory:
    """Take a list server out of the inventory with its account; the inventory without it."""
    with tools.store.locked():
        inventory = tools.store.load()
        server = server_of(inventory, customer)
        before = known(inventory, customer)
        accounts = tuple(each for each in before.accounts if each.login != server.account)
        with tools.servers.unchanged_on_error(server.host, customer):
            tools.servers.remove(server.host)
            tools.store.update_customer(before, before.model_copy(update={"accounts": accounts}))
            return tools.store.load()


def server_of(inventory: Inventory, customer: str) -> DemServer:
    """A customer's list server. Raises UsageError when it has none."""
    server = inventory.dem_server(known(inventory, customer).name)
    if server is None:
        hint = f"'provisioner dem create {customer} --site …' makes one"
        raise UsageError(f"{customer} has no list server", hint=hint)
    return server


def host_of(inventory: Inventory, server: DemServer) -> Host:
    """The host of a list server."""
    host = inventory.host(server.host)
    assert host is not None  # noqa: S101 - a server is read from its host's folder
    return host


def _agreed(inventory: Inventory, there: DemServer, wanted: WantedServer) -> Enrolled:
    """The server that is there, when nothing else is asked for. Raises UsageError."""
    host = host_of(inventory, there)
    facts: dict[str, str | bool] = {name: getattr(there, name) for name in wanted.given}
    facts |= {"host": host.name, "address": str(host.address)}
    asked = wanted.given
    asked |= {name: value for name in ("host", "address") if (value := getattr(wanted, name)) is not None}
    other = [f"{name} {facts[name]}, not {value}" for name, value in asked.items() if facts[name] != value]
    if other:
        hint = f"What it is: provisioner dem show {there.customer}"
        raise UsageError(f"{there.customer} has a list server already, with {'; '.join(other)}", hint=hint)
    return Enrolled(inventory, there, host, new=False)


def _host_name(inventory: Inventory, wanted: WantedServer) -> str:
    taken = {host.name for host in inventory.hosts}
    if wanted.host is None:
        return next(name for number in count(1) if (name := f"{GROUP}{number}") not in taken)
    if wanted.host in taken:
        raise UsageError(f"There is a host {wanted.host!r} already", hint="Leave --host out, or name another")
    return wanted.host


def _address(inventory: Inventory, wanted: WantedServer, tools: Tools) -> Address:
    taken = {address: host.name for host in inventory.hosts for address in host.egress_addresses}
    taken |= {host.address: host.name for host in inventory.hosts}
    taken[inventory.settings.virtual_address] = "the fleet's virtual address"
    if wanted.address is None:
        return tools.free_address(frozenset(taken))
    try:
        address = ip_address(wanted.address)
    except ValueError as error:
        raise UsageError(f"{wanted.address!r} is not an IP address") from error
    if address in taken:
        raise UsageError(f"{address} is taken, by {taken[address]}")
    return address


@dataclass
class _Wrong:
    """Everything that is wrong, to be told at once; the first hint with it."""

    told: list[str] = field(default_factory=list)
    hint: str = ""

    def tried(self, work: Callable[[], T]) -> T | None:
        """What comes of it; None when it can't be, which then is told with the rest."""
        try:
            return work()
        except UsageError as error:
            self.add(error.message, error.hint)
            return None

    def add(self, message: str, hint: str = "") -> None:
        self.told.append(message)
        self.hint = self.hint or hint


def _planned(
    inventory: Inventory,
    customer: Customer,
    host: str,
    wanted: WantedServer,
    tools: Tools,
    password: str,
    wrong: _Wrong,
) -> tuple[DemServer, Customer]:
    """The server and its customer as they would be. Raises UsageError with all that is wrong."""
    given = wanted.given
    login = str(given.get("account", f"{customer.name}-{PLAN}"))
    account = _account(customer, login, tools, password, wrong)
    accounts = (*(each for each in customer.accounts if each.login != login), account)
    site = str(given.get("site", ""))
    around = [domain for domain in customer.domains if is_within(site, domain)]
    defaults = {
        "host": host,
        "customer": customer.name,
        "domain": max(around, key=len, default=customer.domains[0]),
        "admin": customer.contact,
        "language": customer.language,
        "account": login,
        "return_tag": account.return_tag,
    }
    try:
        server = DemServer.model_validate(defaults | given)
        grown = Customer.model_validate({**customer.model_dump(mode="json"), "accounts": accounts})
    except ValidationError as error:
        for each in model_problems(error, DemServer, ""):
            wrong.add(each.message, each.hint)
        raise UsageError(f"{customer.name}: {'; '.join(wrong.told)}", hint=wrong.hint) from error
    others = [grown if each.name == grown.name else each for each in inventory.customers]
    own = own_names(inventory.settings, inventory.hosts)
    for found in objections(server, others, inventory.dem, own):
        wrong.add(found.message, found.hint)
    if taken := [each.name for each in inventory.customers if each is not customer and login in each.logins]:
        wrong.add(f"login {login!r} is {taken[0]}'s")
    if PLAN not in inventory.plans:
        wrong.add(f"there is no plan {PLAN!r} in plans.yml")
    if wrong.told:
        raise UsageError(f"{customer.name}: {'; '.join(wrong.told)}", hint=wrong.hint)
    return server, grown


def _account(customer: Customer, login: str, tools: Tools, password: str, wrong: _Wrong) -> Account:
    """The server's account with a new password.

    One with the plan that no server uses was left by a run that was stopped: it is taken over.
    """
    there = customer.account(login)
    hashed = tools.passwords.hash_password(password)
    if there is None:
        tag = tools.new_tag()
        return Account(login=login, password_hash=hashed, plan=PLAN, return_tag=tag)
    tag = there.return_tag or tools.new_tag()
    changed = {"password_hash": hashed, "plan": PLAN, "return_tag": tag}
    if there.plan != PLAN:
        wrong.add(f"{customer.name} has an account {login!r} for something else")
    return there.model_copy(update=changed)
