"""Customers change: their plan, exceptions from it, whether they may send, their passwords."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from pydantic import ValidationError

from provisioner.core.customers import Customer, today_in
from provisioner.core.dem import secrets_file
from provisioner.core.documents import model_problems
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.gate import NOT_ACTIVE
from provisioner.core.plans import Override, is_more, limit_problems
from provisioner.core.usage import holding, zone
from provisioner.workflows.customer import known
from provisioner.workflows.ports import Passwords, TenantStore
from provisioner.workflows.push import PushReport, TenantPush, push_tenants

DAY = "recipients_per_day"
_Alter = Callable[[Inventory, Customer], Mapping[str, object]]
"""What of a customer file becomes something else."""


@dataclass(frozen=True)
class Changed:
    """A customer as it is now, whether that is new, and how the hosts took it (None: not pushed)."""

    customer: Customer
    file: str
    anew: bool
    report: PushReport | None


def set_plan(store: TenantStore, name: str, plan: str, push: TenantPush | None) -> Changed:
    """Put a customer on another plan; what it has sent today stays counted. Raises UsageError."""

    def alter(inventory: Inventory, _: Customer) -> Mapping[str, object]:
        if plan not in inventory.plans:
            raise UsageError(f"There is no plan {plan!r}", hint=f"Plans: {', '.join(inventory.plans)}")
        return {"plan": plan}

    return _change(store, name, alter, push)


def check_override(inventory: Inventory, customer: Customer, limit: str, given: Mapping[str, object]) -> None:
    """Raises UsageError that names everything that is wrong with an exception from one limit."""
    today = today_in(zone(inventory, customer))
    wrong = limit_problems(limit, given.get("value"))
    if isinstance(until := given.get("until"), date) and until < today:
        wrong.append(f"until: {until} is over: it is {today} there; name the last day on which it holds")
    try:
        Override.model_validate(given)
    except ValidationError as error:
        wrong += [problem.message for problem in model_problems(error, Override, "")]
    if wrong:
        hint = (
            f"As: customer override {customer.name} recipients_per_day 5000 --until {today} --reason 'sale'"
        )
        raise UsageError(f"{customer.name} was not changed: {'; '.join(wrong)}", hint=hint)


def day_rises(inventory: Inventory, customer: Customer, exception: Override | None) -> bool:
    """Whether another exception from the day's limit lets it send more on some day from today on.

    None: without one. Between today and each exception's last day nothing changes, so these days tell.
    """
    others = {limit: each for limit, each in customer.overrides.items() if limit != DAY}
    after = customer.model_copy(update={"overrides": others | ({DAY: exception} if exception else {})})
    today = today_in(zone(inventory, customer))
    ends = [each.overrides[DAY].until for each in (customer, after) if DAY in each.overrides]
    return any(
        is_more(holding(inventory, after, DAY, day), holding(inventory, customer, DAY, day))
        for day in {today, *(end for end in ends if end > today)}
    )


def override(
    store: TenantStore, name: str, limit: str, given: Mapping[str, object], push: TenantPush | None
) -> Changed:
    """Make an exception from one limit. given: what an `Override` is made of; a value None lifts the limit.

    Raises UsageError, as `check_override` does.
    """

    def alter(inventory: Inventory, customer: Customer) -> Mapping[str, object]:
        check_override(inventory, customer, limit, given)
        return {"overrides": {**_dumped(customer, "overrides"), limit: given}}

    return _change(store, name, alter, push)


def end_override(store: TenantStore, name: str, limit: str, push: TenantPush | None) -> Changed:
    """Take an exception back. Raises UsageError when there is none."""

    def alter(_: Inventory, customer: Customer) -> Mapping[str, object]:
        if limit not in customer.overrides:
            raise UsageError(f"{name} has no override of {limit}")
        left = {key: value for key, value in _dumped(customer, "overrides").items() if key != limit}
        return {"overrides": left}

    return _change(store, name, alter, push)


def suspend(store: TenantStore, name: str, reason: str, now: datetime, push: TenantPush | None) -> Changed:
    """Stop a customer's mail on all frontends, also in open sessions. Again: a new reason.

    Raises UsageError for one that is not active yet: what ends a suspension would let it past the gate.
    """

    def alter(_: Inventory, customer: Customer) -> Mapping[str, object]:
        if not_active(customer):
            raise UsageError(f"{name} is not active yet: its mail is refused as it is")
        return {"suspended": {"reason": reason, "since": now}}

    return _change(store, name, alter, push)


def resume(store: TenantStore, name: str, push: TenantPush | None) -> Changed:
    """Let a suspended customer send again.

    Raises UsageError when it is not suspended, or is not active yet: that is the gate's to decide.
    """

    def alter(_: Inventory, customer: Customer) -> Mapping[str, object]:
        if customer.suspended is None:
            raise UsageError(f"{name} is not suspended")
        if not_active(customer):
            raise UsageError(f"{name} is not active yet", hint=f"provisioner customer activate {name}")
        return {"suspended": None}

    return _change(store, name, alter, push)


def activate(store: TenantStore, name: str, push: TenantPush | None) -> Changed:
    """Let a customer send that the gate has let through. Raises UsageError when it is suspended."""

    def alter(_: Inventory, customer: Customer) -> Mapping[str, object]:
        if customer.suspended and not not_active(customer):
            hint = f"provisioner customer resume {name}"
            raise UsageError(f"{name} is suspended: {customer.suspended.reason}", hint=hint)
        return {"suspended": None}

    return _change(store, name, alter, push)


def not_active(customer: Customer) -> bool:
    """Whether it was added without passing the gate, and has not passed it since."""
    return customer.suspended is not None and customer.suspended.reason == NOT_ACTIVE


def rotate_password(
    store: TenantStore, passwords: Passwords, name: str, login: str | None, push: TenantPush | None
) -> tuple[Changed, str, str]:
    """Give an account a new password; the change, the login, and the password, which is kept nowhere.

    login: may be None when there is one account. Raises UsageError.
    """
    password = passwords.generate()
    chosen: list[str] = []

    def alter(inventory: Inventory, customer: Customer) -> Mapping[str, object]:
        wanted = login or (customer.logins[0] if len(customer.logins) == 1 else None)
        if wanted not in customer.logins:
            hint = f"Logins: {', '.join(customer.logins) or 'none'}"
            raise UsageError(f"{name} has no account {login!r}" if login else "Which account?", hint=hint)
        server = inventory.dem_server(name)
        if server is not None and server.account == wanted:
            hint = f"Its password stands in {secrets_file(server.host)}, which has to have the new one too"
            raise UsageError(f"The list server {server.host} logs in as {wanted}", hint=hint)
        chosen.append(wanted)
        hashed = passwords.hash_password(password)
        accounts = [
            {
                **account.model_dump(mode="json"),
                **({"password_hash": hashed} if account.login == wanted else {}),
            }
            for account in customer.accounts
        ]
        return {"accounts": accounts}

    changed = _change(store, name, alter, push)
    return changed, chosen[0], password


def add_account(
    store: TenantStore,
    passwords: Passwords,
    name: str,
    login: str,
    domains: Sequence[str],
    networks: Sequence[str],
    push: TenantPush | None,
) -> tuple[Changed, str]:
    """Give a customer one account more; the change, and the password, which is kept nowhere.

    domains: those of the customer's that it may send in; empty is all. networks: where it may send from;
    empty is anywhere. Raises UsageError.
    """
    password = passwords.generate()

    def alter(inventory: Inventory, customer: Customer) -> Mapping[str, object]:
        owner = next((each for each in inventory.customers if login in each.logins), None)
        if owner is not None:
            raise UsageError(f"login {login!r} is claimed by customers/{owner.name}.yml already")
        hashed = passwords.hash_password(password)
        made = {"login": login, "password_hash": hashed, "domains": domains, "networks": networks}
        former = [each for each in customer.former_logins if each != login]
        return {"accounts": [*customer.model_dump(mode="json")["accounts"], made], "former_logins": former}

    return _change(store, name, alter, push), password


def limit_account(
    store: TenantStore,
    name: str,
    login: str,
    push: TenantPush | None,
    *,
    domains: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
) -> Changed:
    """Say anew where an account may send in and from, from the next message on.

    None leaves it as it is, empty lifts the limit. Raises UsageError.
    """
    wanted = {"domains": domains, "networks": networks}

    def alter(_: Inventory, customer: Customer) -> Mapping[str, object]:
        _has_account(customer, login)
        accounts = customer.model_dump(mode="json")["accounts"]
        changes = {key: value for key, value in wanted.items() if value is not None}
        return {"accounts": [each | changes if each["login"] == login else each for each in accounts]}

    return _change(store, name, alter, push)


def _has_account(customer: Customer, login: str) -> None:
    if login not in customer.logins:
        hint = f"Logins: {', '.join(customer.logins) or 'none'}"
        raise UsageError(f"{customer.name} has no account {login!r}", hint=hint)


def remove_account(store: TenantStore, name: str, login: str, push: TenantPush | None) -> Changed:
    """Take an account away; from the next message on its sessions are refused. Raises UsageError."""

    def alter(_: Inventory, customer: Customer) -> Mapping[str, object]:
        _has_account(customer, login)
        accounts = customer.model_dump(mode="json")["accounts"]
        left = [account for account in accounts if account["login"] != login]
        gone = customer.account(login)
        # One with a plan of its own was counted by itself: nothing of it stands in the customer's counts.
        former = {*customer.former_logins, login} if gone and not gone.plan else customer.former_logins
        return {"accounts": left, "former_logins": sorted(former)}

    return _change(store, name, alter, push)


def _dumped(customer: Customer, field: str) -> dict[str, object]:
    found: dict[str, object] = customer.model_dump(mode="json")[field]
    return found


def _change(store: TenantStore, name: str, alter: _Alter, push: TenantPush | None) -> Changed:
    with store.locked():
        inventory = store.load()
        before = known(inventory, name)
        wanted = {**before.model_dump(mode="json"), **alter(inventory, before)}
        try:
            after = Customer.model_validate(wanted)
        except ValidationError as error:
            reasons = [problem.message for problem in model_problems(error, Customer, "")]
            raise UsageError(f"{name} was not changed: {'; '.join(reasons)}") from error
        file = store.update_customer(before, after)
        others = tuple(after if each.name == name else each for each in inventory.customers)
        changed = replace(inventory, customers=others)
        report = push_tenants(changed, store.key_loader(changed), push) if push else None
        return Changed(after, file, after != before, report)
