"""The whole inventory at once: every file's own rules, and the rules between files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from provisioner.core import claims, dem_rules, egress_pools, ssh_arguments
from provisioner.core.customers import Customer
from provisioner.core.dkim import DkimKey
from provisioner.core.documents import Document, Documents, Encrypted, KeyPath, Problem, model_problems
from provisioner.core.fleet import Address, FleetSettings, Host, Inventory
from provisioner.core.hosts import parse_hosts
from provisioner.core.plans import SHIPPED, Plan

_NEEDED_GROUPS = ("loadbalancers", "frontends", "backends", "state")
_MAIL_GROUPS = ("loadbalancers", "frontends", "backends", "world")
"""Each host is in one of them at most: their roles write the same files of HAProxy and Postfix. So does the
role of list servers, which share their hosts with nothing at all."""

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Built:
    """What an inventory's files come to.

    inventory: None when anything is wrong. problems: all of them; one broken file does not hide what is wrong
    in others. valid: by file, the customer or the keys in it, where nothing is wrong with it by itself.
    """

    inventory: Inventory | None
    problems: list[Problem]
    valid: Mapping[str, Customer | tuple[DkimKey, ...]]


def build(documents: Documents) -> Built:
    """Every file's own rules, and the rules between files."""
    problems: list[Problem] = []
    settings = _settings(documents, problems)
    hosts, host_problems = parse_hosts(documents)
    problems += host_problems
    problems += ssh_arguments.problems(documents)
    problems += _host_rules(documents, hosts, settings)
    plans = _plans(documents.plans, problems)
    plans_file = documents.plans.file if documents.plans else None
    problems += egress_pools.problems(
        hosts,
        plans,
        lambda name: (documents.hosts.file, _find(documents.hosts.data, name)),
        plans_file,
    )
    by_file = _customers(documents, problems)
    customers = tuple(sorted(by_file.values(), key=lambda customer: customer.name))
    problems += _plan_rules(documents, customers, plans)
    problems += claims.rules(documents.customers, by_file, settings, hosts)
    own = claims.own_names(settings, hosts) if settings else set()
    dem, dem_problems = dem_rules.servers(documents, hosts, customers, own)
    problems += dem_problems
    key_files = _keys(documents, problems)
    keys = sorted(
        (key for each in key_files.values() for key in each), key=lambda key: (key.domain, key.selector)
    )
    inventory = None
    if settings is not None and not problems:
        inventory = Inventory(documents.path, settings, hosts, customers, tuple(keys), plans, dem)
    return Built(inventory, problems, {**by_file, **key_files})


def _model(
    model: type[_Model], data: Mapping[str, object], file: str, path: KeyPath, problems: list[Problem]
) -> _Model | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems += model_problems(error, model, file, path)
        return None


def _settings(documents: Documents, problems: list[Problem]) -> FleetSettings | None:
    for group in documents.group_vars.values():
        for document in group:
            if document.file == documents.fleet.file or not isinstance(document.data, Mapping):
                continue
            # The CLI would not see it there, and host and CLI would then differ about the fleet.
            problems += [
                Problem(
                    document.file,
                    (key,),
                    f"{key!r} does not belong here",
                    f"Set it in {documents.fleet.file}",
                )
                for key in document.data
                if str(key).startswith("fleet_")
            ]
    data = documents.fleet.data
    if not isinstance(data, Mapping):
        problems.append(Problem(documents.fleet.file, (), "is not a mapping of fleet_* settings"))
        return None
    own = {str(key): value for key, value in data.items() if str(key).startswith("fleet_")}
    return _model(FleetSettings, own, documents.fleet.file, (), problems)


def _host_rules(
    documents: Documents, hosts: tuple[Host, ...], settings: FleetSettings | None
) -> Iterator[Problem]:
    file = documents.hosts.file
    declared = _declared_groups(documents.hosts.data)
    for group in _NEEDED_GROUPS:
        # A host that has a problem of its own still counts: it is there, only wrong.
        if group not in declared:
            yield Problem(file, (), f"there is no host in {group!r}; a fleet needs at least one")
    if sum("state" in host.groups for host in hosts) == 2:
        message = "'state' has two hosts, which could not tell which of them is cut off"
        yield Problem(file, (), message, "Have one, or three and more, which then replace each other")
    for host in hosts:
        shared = [group for group in _MAIL_GROUPS if group in host.groups]
        if len(shared) > 1:
            message = f"host {host.name!r} is in {shared[0]!r} and in {shared[1]!r}"
            hint = "Each would overwrite what the other sets up: give each a host of its own"
            yield Problem(file, _find(documents.hosts.data, host.name), message, hint)
    seen: dict[Address, str] = {}
    if settings is not None:
        seen[settings.virtual_address] = "fleet_virtual_address"
    for host in hosts:
        for address in dict.fromkeys((host.address, *host.egress_addresses)):
            if address in seen:
                message = f"host {host.name!r} has the address {address}, which {seen[address]} has already"
                yield Problem(file, _find(documents.hosts.data, host.name), message)
            seen.setdefault(address, f"host {host.name!r}")


def _declared_groups(data: object) -> set[str]:
    """Groups that have a host, by themselves or through a child."""
    found: set[str] = set()
    for name, body in _items(data):
        if not isinstance(body, Mapping):
            continue
        below = _declared_groups(body.get("children"))
        found |= below
        if below or body.get("hosts"):
            found.add(name)
    return found


def _items(value: object) -> list[tuple[str, object]]:
    return [(str(name), body) for name, body in value.items()] if isinstance(value, Mapping) else []


def _find(data: object, host: str) -> KeyPath:
    """The path of a host's entry in hosts.yml, the last one that gives it an address."""
    best: KeyPath = ()
    for group, body in _items(data):
        if not isinstance(body, Mapping):
            continue
        for name, variables in _items(body.get("hosts")):
            if name == host and (
                not best or (isinstance(variables, Mapping) and "ansible_host" in variables)
            ):
                best = (group, "hosts", name)
        inner = _find(body.get("children"), host)
        if inner:
            best = (group, "children", *inner)
    return best


def _customers(documents: Documents, problems: list[Problem]) -> dict[str, Customer]:
    """By file, those in which nothing is wrong."""
    customers: dict[str, Customer] = {}
    for document in documents.customers:
        valid = document.valid
        customer = valid if isinstance(valid, Customer) else _customer(document, problems)
        if customer:
            customers[document.file] = customer
    return customers


def _customer(document: Document, problems: list[Problem]) -> Customer | None:
    if not isinstance(document.data, Mapping):
        message = "is not a mapping with contact, plan, domains, accounts"
        problems.append(Problem(document.file, (), message))
        return None
    if "name" in document.data:
        hint = "A customer's name is the name of its file"
        problems.append(Problem(document.file, ("name",), "unknown key 'name'", hint))
        return None
    return _model(Customer, {"name": document.stem, **document.data}, document.file, (), problems)


def _plans(document: Document | None, problems: list[Problem]) -> Mapping[str, Plan]:
    """The plans of plans.yml, or those that are shipped where there is no such file."""
    if document is None:
        return SHIPPED
    if not isinstance(document.data, Mapping) or not document.data:
        problems.append(Problem(document.file, (), "is not a mapping of plans by name"))
        return {}
    plans: dict[str, Plan] = {}
    for name, body in document.data.items():
        if not isinstance(body, Mapping):
            problems.append(Problem(document.file, (str(name),), f"plan {name!r} is not a mapping of limits"))
            continue
        if "name" in body:
            hint = "A plan's name is the key it stands under"
            problems.append(Problem(document.file, (str(name), "name"), "unknown key 'name'", hint))
            continue
        plan = _model(Plan, {"name": str(name), **body}, document.file, (str(name),), problems)
        if plan:
            plans[plan.name] = plan
    return plans


def _plan_rules(
    documents: Documents, customers: Collection[Customer], plans: Mapping[str, Plan]
) -> Iterator[Problem]:
    """Every customer's plan exists, and every account's own.

    A plan that is there but wrong is told once, not for each customer.
    """
    given = documents.plans.data if documents.plans and isinstance(documents.plans.data, Mapping) else {}
    known = plans.keys() | {str(name) for name in given}
    hint = f"Plans: {', '.join(plans)}"
    for customer in customers:
        file = f"customers/{customer.name}.yml"
        if customer.plan not in known:
            yield Problem(file, ("plan",), f"there is no plan {customer.plan!r}", hint)
        for index, account in enumerate(customer.accounts):
            if account.plan and account.plan not in known:
                path = ("accounts", index, "plan")
                yield Problem(file, path, f"there is no plan {account.plan!r}", hint)


def _keys(documents: Documents, problems: list[Problem]) -> dict[str, tuple[DkimKey, ...]]:
    """By file, those in which nothing is wrong."""
    keys: dict[str, tuple[DkimKey, ...]] = {}
    for document in documents.keys:
        if isinstance(document.valid, tuple):
            keys[document.file] = document.valid
            continue
        wrong: list[Problem] = []
        read = tuple(_keys_of(document, wrong))
        problems += wrong
        if not wrong:
            keys[document.file] = read
    return keys


def _keys_of(document: Document, problems: list[Problem]) -> Iterator[DkimKey]:
    if not isinstance(document.data, list):
        problems.append(Problem(document.file, (), "is not a list of keys"))
        return
    selectors: set[str] = set()
    for index, entry in enumerate(document.data):
        key = _key(document, index, entry, problems)
        if key is None:
            continue
        if key.selector in selectors:
            message = f"selector {key.selector!r} appears twice"
            problems.append(Problem(document.file, (index, "selector"), message))
        selectors.add(key.selector)
        yield key


def _key(document: Document, index: int, entry: object, problems: list[Problem]) -> DkimKey | None:
    if not isinstance(entry, Mapping):
        problems.append(Problem(document.file, (index,), "is not a mapping"))
        return None
    public_part = {str(name): value for name, value in entry.items() if name != "private"}
    if "domain" in public_part:
        hint = "A key's domain is the name of its file"
        problems.append(Problem(document.file, (index, "domain"), "unknown key 'domain'", hint))
        return None
    if not isinstance(entry.get("private"), Encrypted):
        hint = (
            "Private keys are kept as '!vault |' values; make this one anew with 'provisioner dkim generate'"
        )
        problems.append(Problem(document.file, (index, "private"), "private is not an encrypted value", hint))
    return _model(DkimKey, {"domain": document.stem, **public_part}, document.file, (index,), problems)
