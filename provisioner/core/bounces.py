"""What a failed delivery says of the mailbox: gone for good, full, or that we are not wanted there. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provisioner.core.fleet import Inventory
from provisioner.core.plans import Suppression
from provisioner.core.suppression import NOTE_LENGTH, Entry, Reason, entry


class Kind(StrEnum):
    """What kind of failure it is."""

    HARD = "hard"
    FULL = "full"
    BLOCKED = "blocked"
    SOFT = "soft"


@dataclass(frozen=True)
class Bounce:
    """A recipient whose delivery failed for good. dsn: RFC 3463 code; said: what the server answered."""

    login: str
    recipient: str
    dsn: str
    said: str
    at: datetime


_GONE = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
"""No such mailbox or domain, moved away, null MX (RFC 7505), switched off (RFC 3463 3.2, RFC 5248)."""

_SAYS: dict[Kind, re.Pattern[str]] = {
    kind: re.compile(words, re.IGNORECASE)
    for kind, words in {
        Kind.FULL: r"over ?quota|quota exceeded|mailbox (is )?full|storage|insufficient space",
        Kind.HARD: r"(user|recipient|mailbox|address|account)( is)? (unknown|not found|does(n't| not) exist"
        r"|disabled|inactive|unavailable)|unknown (user|recipient|mailbox)"
        r"|no such (user|recipient|mailbox|person)"
        r"|does(n't| not) (exist|have an? [\w. ]*account)|invalid recipient|host or domain name not found",
        Kind.BLOCKED: r"spam|block(ed|list)|black ?list|reputation|unsolicited|denied by|policy|dmarc|\bspf\b"
        r"|dkim|rate limit|banned|listed",
    }.items()
}


def classify(dsn: str, said: str) -> Kind:
    """The kind of a failure, by RFC 3463's code and by what the server said where that tells more.

    Some name a mailbox that is gone under 5.7.1 or 5.0.0, and a full one under 5.1.1.
    """
    if _SAYS[Kind.FULL].search(said) or dsn.endswith(".2.2"):
        return Kind.FULL
    if dsn in _GONE:
        return Kind.HARD
    policy = dsn.split(".")[1:2] == ["7"]
    if _SAYS[Kind.BLOCKED].search(said) and not (policy and _SAYS[Kind.HARD].search(said)):
        return Kind.BLOCKED
    if _SAYS[Kind.HARD].search(said):
        return Kind.HARD
    return Kind.BLOCKED if policy else Kind.SOFT


def to_suppress(inventory: Inventory, bounces: Iterable[Bounce]) -> Mapping[str, list[Entry]]:
    """By customer, what belongs on its suppression list: recipients that are gone, each once, the latest.

    Customers whose plan looks at no list are left out.
    """
    owners = {
        account.login: customer.name
        for customer in inventory.customers
        for account in customer.accounts
        if inventory.plan_of(customer, account).suppression is not Suppression.OFF
    }
    found: dict[str, dict[str, Entry]] = {}
    for each in sorted(bounces, key=lambda one: one.at):
        if each.login not in owners or classify(each.dsn, each.said) is not Kind.HARD:
            continue
        try:
            wanted = entry(each.recipient, Reason.BOUNCE, each.at, f"{each.dsn} {each.said}"[:NOTE_LENGTH])
        except ValueError:  # no address that anybody could be written to at again
            continue
        found.setdefault(owners[each.login], {})[wanted.address] = wanted
    return {customer: list(entries.values()) for customer, entries in found.items()}
