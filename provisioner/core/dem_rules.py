"""What has to hold of list servers beside everything else in an inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from provisioner.core.customers import Customer
from provisioner.core.dem import GROUP, PLAN, DemServer, secrets_file, settings_file
from provisioner.core.documents import Document, Documents, KeyPath, Problem, model_problems
from provisioner.core.fleet import FLEET_GROUPS, LAB_GROUPS, Host
from provisioner.core.names import is_within


@dataclass(frozen=True)
class Objection:
    """What is wrong with a list server: at which of its settings, what, what to do."""

    key: str
    message: str
    hint: str = ""


def servers(
    documents: Documents, hosts: Sequence[Host], customers: Sequence[Customer], own_names: set[str]
) -> tuple[tuple[DemServer, ...], list[Problem]]:
    """The list servers of an inventory, and everything that is wrong with any.

    own_names: the fleet's, which no web site may have.
    """
    problems: list[Problem] = []
    found: list[DemServer] = []
    for host in hosts:
        if GROUP not in host.groups:
            continue
        problems += _host_problems(documents, host)
        server = _server(documents, host.name, problems)
        if server:
            found.append(server)
    # A customer file that is wrong has its own faults; that its customer is missing then is noise.
    known = {document.stem for document in documents.customers}
    for server in found:
        file = settings_file(server.host)
        for each in objections(server, customers, found, own_names):
            if each.key == "customer" and server.customer in known and "no customer" in each.message:
                continue
            problems.append(Problem(file, (f"dem_{each.key}",), each.message, each.hint))
    return tuple(found), problems


def objections(
    server: DemServer, customers: Sequence[Customer], servers: Sequence[DemServer], own_names: set[str]
) -> Iterator[Objection]:
    """Why a list server can't be as it is written, beside these customers and servers (itself may be one)."""
    others = [each for each in servers if each.host != server.host]
    taken = next((each for each in others if each.customer == server.customer), None)
    if taken is not None:
        message = f"customer {server.customer!r} has a list server already, {taken.host!r}"
        yield Objection("customer", message, "Each has one; 'provisioner dem remove' takes one away")
    if server.site in own_names:
        yield Objection("site", f"{server.site!r} is a name of the fleet itself")
    if any(each.site == server.site for each in others):
        yield Objection("site", f"{server.site!r} is another list server's site already")
    customer = next((each for each in customers if each.name == server.customer), None)
    if customer is None:
        hint = f"Customers: {', '.join(each.name for each in customers) or 'none'}"
        yield Objection("customer", f"there is no customer {server.customer!r}", hint)
        return
    owners = {domain: each.name for each in customers for domain in each.domains}
    yield from _foreign("site", server.site, customer, owners)
    yield from _foreign("domain", server.domain, customer, owners)
    yield from _account(server, customer)


def _foreign(key: str, name: str, customer: Customer, owners: Mapping[str, str]) -> Iterator[Objection]:
    """A web name may lie below one of the customer's domains; the nearest domain that is anybody's counts."""
    around = [domain for domain in owners if (name == domain if key == "domain" else is_within(name, domain))]
    nearest = max(around, key=len, default=None)
    own = f"Domains of {customer.name}: {', '.join(customer.domains)}"
    if nearest is None:
        what = "none of" if key == "domain" else "in none of"
        yield Objection(key, f"{name!r} is {what} the domains of {customer.name!r}", own)
    elif owners[nearest] != customer.name:
        message = f"{name!r} belongs to another customer, {owners[nearest]!r}"
        yield Objection(key, message, own)


def _account(server: DemServer, customer: Customer) -> Iterator[Objection]:
    account = customer.account(server.account)
    if account is None:
        hint = f"Its logins: {', '.join(customer.logins) or 'none'}"
        yield Objection("account", f"{customer.name!r} has no account {server.account!r}", hint)
        return
    if account.plan != PLAN:
        hint = f"Write 'plan: {PLAN}' into the account"
        message = f"account {server.account!r} has not the plan {PLAN!r} of its own"
        yield Objection("account", message, hint)
    if account.return_tag != server.return_tag:
        hint = "Both have the same 8 hex digits"
        yield Objection("return_tag", f"is not the return_tag of account {server.account!r}", hint)
    if account.domains and server.domain not in account.domains:
        message = f"account {server.account!r} may not send in {server.domain!r}"
        yield Objection("domain", message, f"It may in {', '.join(account.domains)}")


def _host_problems(documents: Documents, host: Host) -> Iterator[Problem]:
    others = sorted(host.groups & {*FLEET_GROUPS, *LAB_GROUPS} - {GROUP})
    if others:
        message = f"host {host.name!r} is in {GROUP!r} and in {others[0]!r}; a list server has its own host"
        yield Problem(documents.hosts.file, _path(documents.hosts.data, host.name), message)
    secrets = secrets_file(host.name)
    if secrets in documents.encrypted:
        return
    plain = any(document.file == secrets for document in documents.host_vars.get(host.name, ()))
    if plain:
        yield Problem(secrets, (), "is not encrypted", f"Run: ansible-vault encrypt {secrets}")
    else:
        yield Problem(secrets, (), "is missing", "'provisioner dem create' makes it with new passwords")


def _path(data: object, host: str) -> KeyPath:
    """The path of a host's entry below the group of list servers."""
    if isinstance(data, Mapping):
        for group, body in data.items():
            if not isinstance(body, Mapping):
                continue
            hosts = body.get("hosts")
            if group == GROUP and isinstance(hosts, Mapping) and host in hosts:
                return (str(group), "hosts", host)
            inner = _path(body.get("children"), host)
            if inner:
                return (str(group), "children", *inner)
    return ()


def _server(documents: Documents, host: str, problems: list[Problem]) -> DemServer | None:
    file = settings_file(host)
    document = next((each for each in documents.host_vars.get(host, ()) if each.file == file), None)
    if document is None:
        hint = "'provisioner dem create' writes it"
        problems.append(Problem(file, (), "is missing: it says whose list server the host is", hint))
        return None
    return _model(document, host, problems)


def _model(document: Document, host: str, problems: list[Problem]) -> DemServer | None:
    if not isinstance(document.data, Mapping):
        problems.append(Problem(document.file, (), "is not a mapping of dem_* settings"))
        return None
    if "dem_host" in document.data:
        hint = "A list server's host is the name of the folder"
        problems.append(Problem(document.file, ("dem_host",), "unknown key 'dem_host'", hint))
        return None
    strange = [str(key) for key in document.data if not str(key).startswith("dem_")]
    hint = f"Other variables go into another file beside {document.file}"
    problems += [Problem(document.file, (key,), f"unknown key {key!r}", hint) for key in strange]
    given = {str(key): value for key, value in document.data.items() if str(key) not in strange}
    try:
        return DemServer.model_validate({"dem_host": host, **given})
    except ValidationError as error:
        problems += model_problems(error, DemServer, document.file)
        return None
