"""Which of customers' return paths take no mail: until they do, that customer's mail to many is refused."""

from __future__ import annotations

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

Ask = Callable[[Sequence[str]], Mapping[str, tuple[int, str]]]
"""From addresses to what their servers say to RCPT TO."""


class State(Enum):
    """What is known of a return path."""

    ALIVE = "takes mail"
    DEAD = "takes no mail"
    UNKNOWN = "not known now"


@dataclass(frozen=True)
class ReturnPath:
    """One return path of a customer, and what its server said."""

    customer: str
    address: str
    state: State
    answer: str


def paths_of(customer: Customer, ledger: Ledger) -> tuple[str, ...]:
    """The return paths in its own domains that a customer has used, and those that were dead."""
    used = {
        sender.lower()
        for login in customer.logins
        if login in ledger
        for sender in ledger[login].senders
        if sender.rpartition("@")[2].lower() in customer.domains
    }
    return tuple(sorted(used | set(customer.dead_return_paths)))


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
    answers = ask(sorted({path for paths in wanted.values() for path in paths}))
    found = [
        ReturnPath(name, path, _state(answers[path][0]), answers[path][1])
        for name, paths in wanted.items()
        for path in paths
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
