"""Tell customers, once a day each, that 80 or 100 % of their day is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from provisioner.core.customers import Customer
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.notices import UsageNotice

Claim = Callable[[Sequence[str]], Sequence[bool]]
"""Takes names of notices for itself, all at once; for each whether nobody had taken it before."""

HandOver = Callable[[Sequence[Mapping[str, str]]], Sequence[tuple[int, str]]]
"""Hands notices to the fleet; code and answer for each."""

Render = Callable[[UsageNotice, Customer, str], str]
"""The message to a customer, from an address."""


@dataclass(frozen=True)
class Told:
    """What became of a notice: the backend's answer; ok when it was taken."""

    notice: UsageNotice
    contact: str
    ok: bool
    answer: str


def sender_of(inventory: Inventory) -> tuple[str, str]:
    """The address that notices come from, and the account whose name they bear. Raises UsageError."""
    sender = inventory.settings.notices_from
    hint = (
        "The fleet signs only what a customer sends: make yourself one (customer add), and name its address"
    )
    if sender is None:
        raise UsageError("fleet_notices_from is not set: nobody would be the sender", hint=hint)
    domain = sender.rpartition("@")[2]
    owner = inventory.owner(domain)
    logins = owner.logins_for(domain) if owner else ()
    if not logins:
        raise UsageError(f"fleet_notices_from: no customer sends in {domain}", hint=hint)
    return sender, logins[0]


def tell(
    inventory: Inventory,
    due: Sequence[UsageNotice],
    claim: Claim,
    release: Callable[[Sequence[str]], object],
    render: Render,
    hand_over: HandOver,
) -> list[Told]:
    """Send those notices that nobody has sent yet. What was not taken may be sent by the next run."""
    sender, account = sender_of(inventory)
    fresh = _fresh(due, claim)
    contacts = {customer.name: customer for customer in inventory.customers}
    try:
        answers = hand_over(
            [
                {
                    "account": account,
                    "sender": sender,
                    "recipient": contacts[notice.usage.customer].contact,
                    "message": render(notice, contacts[notice.usage.customer], sender),
                }
                for notice in fresh
            ]
        )
    except BaseException:
        release([name for notice in fresh for name in notice.names])
        raise
    told = [
        Told(notice, contacts[notice.usage.customer].contact, code < 400, text)
        for notice, (code, text) in zip(fresh, answers, strict=True)
    ]
    if refused := [name for each in told if not each.ok for name in each.notice.names]:
        release(refused)
    return told


def _fresh(due: Sequence[UsageNotice], claim: Claim) -> list[UsageNotice]:
    names = [name for notice in due for name in notice.names]
    taken = dict(zip(names, claim(names), strict=True)) if names else {}
    return [notice for notice in due if taken[notice.names[0]]]
