"""Which of customers' return paths take no mail: until they do, that customer's mail to many is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from provisioner.core.customers import Customer, DeadReturnPath
from provisioner.core.reconciliation import Ledger
from provisioner.workflows.ports import TenantStore
from provisioner.workflows.push import PushReport, TenantPush, push_tenants

ANSWER_LENGTH = 200
_DEAD = 550
_VERP = re.compile(r"(?P<base>[^+@]+)\+[^@]+=[^@]+@(?P<domain>.+)")
_ANYBODY = "nobody=example.invalid"
"""Whom a VERP return path is for when none is known that was used."""

Ask = Callable[[Sequence[str]], Mapping[str, tuple[int, str]]]
"""From addresses to what their servers say to RCPT TO."""


class State(Enum):
    """What is known of a return path."""

    ALIVE = "takes mail"
    DEAD = "takes no mail"
    UNKNOWN = "not known now"


@dataclass(frozen=True)
class ReturnPath:
    """One return path of a customer, or all with the same VERP (`base+@…`), and what its server said."""

    customer: str
    address: str
    state: State
    answer: str


def paths_of(customer: Customer, ledger: Ledger) -> Mapping[str, str]:
    """The return paths in its own domains that a customer has used, and those that were dead.

    Each with the address to ask about. Return paths with VERP, base+user=domain@…, are one: `base+@…`.
    """
    used = (
        sender.lower()
        for login in customer.logins
        if login in ledger
        for sender in ledger[login].senders
        if sender.rpartition("@")[2].lower() in customer.domains
    )
    known = {path: path.replace("+@", f"+{_ANYBODY}@") for path in customer.dead_return_paths}
    return dict(sorted((known | {family(sender): sender for sender in used}).items()))


def family(path: str) -> str:
    """What a return path is known by: itself, or what all of the same VERP have in common."""
    found = _VERP.fullmatch(path)
    return f"{found['base']}+@{found['domain']}" if found else path


def check(
    store: TenantStore,
    names: Sequence[str],
    read: Callable[[], Ledger],
    ask: Ask,
    now: datetime,
    push: TenantPush | None,
) -> tuple[list[ReturnPath], PushReport | None]:
    """Ask about every return path of these customers, keep with them what is dead, bring that to the hosts.

    A path whose server can't be asked now stays as it was. push: None changes nothing at all.
    """
    customers = [each for each in store.load().customers if each.name in names]
    ledger = read()
    wanted = {customer.name: paths_of(customer, ledger) for customer in customers}
    answers = ask(sorted({address for paths in wanted.values() for address in paths.values()}))
    found = [
        ReturnPath(name, path, _state(answers[address][0]), answers[address][1])
        for name, paths in wanted.items()
        for path, address in paths.items()
    ]
    if push is None:
        return found, None
    with store.locked():
        inventory = store.load()
        changed = {
            each.name: after
            for each in inventory.customers
            if (after := _judged(each, [path for path in found if path.customer == each.name], now)) != each
        }
        if not changed:
            return found, None
        for customer in inventory.customers:
            if customer.name in changed:
                store.update_customer(customer, changed[customer.name])
        everybody = tuple(changed.get(each.name, each) for each in inventory.customers)
        whole = replace(inventory, customers=everybody)
        return found, push_tenants(whole, store.key_loader(whole), push)


def _state(code: int) -> State:
    if code < 300:
        return State.ALIVE
    return State.DEAD if code == _DEAD else State.UNKNOWN


def _judged(customer: Customer, paths: Sequence[ReturnPath], now: datetime) -> Customer:
    dead = dict(customer.dead_return_paths)
    for path in paths:
        if path.state is State.ALIVE:
            dead.pop(path.address, None)
        elif path.state is State.DEAD and path.address not in dead:
            answer = "".join(c if " " <= c <= "~" else "?" for c in path.answer)[:ANSWER_LENGTH]
            dead[path.address] = DeadReturnPath(answer=answer, since=now)
    return customer.model_copy(update={"dead_return_paths": dead})
