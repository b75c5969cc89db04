"""The hand-over sheet: everything a customer needs to send through the fleet, as facts for a template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from provisioner.core.customers import Customer
from provisioner.core.fleet import Inventory
from provisioner.core.plans import LIMITS
from provisioner.core.records import Record, Zone, domain_records

Language = Literal["en", "it"]

_LIMIT_NAMES: dict[Language, dict[str, str]] = {
    "en": {
        "recipients_per_day": "Recipients a day",
        "recipients_per_hour": "Recipients an hour",
        "recipients_per_message": "Recipients a message",
        "message_size": "Message size",
        "attachment_size": "Size of attachments",
        "connections": "Connections at the same time",
        "messages_per_minute": "Messages a minute",
    },
    "it": {
        "recipients_per_day": "Destinatari al giorno",
        "recipients_per_hour": "Destinatari all'ora",
        "recipients_per_message": "Destinatari per messaggio",
        "message_size": "Dimensione del messaggio",
        "attachment_size": "Dimensione degli allegati",
        "connections": "Connessioni contemporanee",
        "messages_per_minute": "Messaggi al minuto",
    },
}
_UNLIMITED: dict[Language, str] = {"en": "unlimited", "it": "illimitato"}
_SIZES = ("message_size", "attachment_size")
_FALLBACK = {"recipients_per_message": "recipient_limit", "message_size": "message_size_limit"}
_SPF_NOTE: dict[Language, str] = {
    "en": "If there is an SPF record already, only add `include:{spf}` to it",
    "it": "Se esiste già un record SPF, aggiungere soltanto `include:{spf}`",
}


@dataclass(frozen=True)
class SheetLogin:
    """A login, and what it is limited to; empty is not."""

    name: str
    domains: tuple[str, ...]
    networks: tuple[str, ...]


@dataclass(frozen=True)
class SheetPlan:
    """A plan, its limits in words, and the logins that have it for themselves; none: it is all others'."""

    name: str
    logins: tuple[str, ...]
    limits: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sheet:
    """What the sheet says. dns: domain → records; notes: domain → remarks on them."""

    language: Language
    customer: str
    server: str
    logins: tuple[SheetLogin, ...]
    domains: tuple[str, ...]
    support: str
    plans: tuple[SheetPlan, ...]
    time_zone: str
    dns: tuple[tuple[str, tuple[Record, ...]], ...]
    notes: dict[str, tuple[str, ...]]


def sheet(inventory: Inventory, customer: Customer, language: Language) -> Sheet:
    """The facts of a customer's sheet; the limits are the plan's own, since exceptions end."""
    settings = inventory.settings
    records = {
        domain: tuple(
            record for record in domain_records(inventory, customer, domain) if record.zone is Zone.CUSTOMER
        )
        for domain in customer.domains
    }
    note = _SPF_NOTE[language].format(spf=settings.spf_name)
    return Sheet(
        language=language,
        customer=customer.name,
        server=settings.submission_name,
        logins=tuple(
            SheetLogin(each.login, each.domains, tuple(map(str, each.networks))) for each in customer.accounts
        ),
        domains=customer.domains,
        support=settings.postmaster,
        plans=tuple(_plans(inventory, customer, language)),
        time_zone=customer.time_zone or settings.time_zone,
        dns=tuple(records.items()),
        notes=dict.fromkeys(customer.domains, (note,)),
    )


def _plans(inventory: Inventory, customer: Customer, language: Language) -> Iterator[SheetPlan]:
    """The customer's plan, then those that accounts have for themselves."""
    own: dict[str, list[str]] = {}
    for account in customer.accounts:
        if account.plan:
            own.setdefault(account.plan, []).append(account.login)
    for plan, logins in [(customer.plan, []), *sorted(own.items())]:
        limits = tuple(_limit(inventory, plan, name, language) for name in LIMITS)
        yield SheetPlan(plan, tuple(logins), limits)


def _limit(inventory: Inventory, plan: str, name: str, language: Language) -> tuple[str, str]:
    """A limit in words: the plan's; where it has none, the fleet's own."""
    value = getattr(inventory.plans[plan], name)
    if value is None and name in _FALLBACK:
        value = getattr(inventory.settings, _FALLBACK[name])
    label = _LIMIT_NAMES[language][name]
    if value is None:
        return label, _UNLIMITED[language]
    return label, f"{value / 1_048_576:g} MiB" if name in _SIZES else f"{value:,}".replace(",", "\u202f")
