"""The hand-over sheet: everything a customer needs to send through the fleet, as facts for a template."""

from __future__ import annotations

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
class Sheet:
    """What the sheet says. dns: domain → records; notes: domain → remarks on them."""

    language: Language
    customer: str
    server: str
    logins: tuple[str, ...]
    domains: tuple[str, ...]
    support: str
    plan: str
    limits: tuple[tuple[str, str], ...]
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
        logins=customer.logins,
        domains=customer.domains,
        support=settings.postmaster,
        plan=customer.plan,
        limits=tuple(_limit(inventory, customer, name, language) for name in LIMITS),
        time_zone=customer.time_zone or settings.time_zone,
        dns=tuple(records.items()),
        notes=dict.fromkeys(customer.domains, (note,)),
    )


def _limit(inventory: Inventory, customer: Customer, name: str, language: Language) -> tuple[str, str]:
    """A limit in words: the plan's; where it has none, the fleet's own."""
    value = getattr(inventory.plans[customer.plan], name)
    if value is None and name in _FALLBACK:
        value = getattr(inventory.settings, _FALLBACK[name])
    label = _LIMIT_NAMES[language][name]
    if value is None:
        return label, _UNLIMITED[language]
    return label, f"{value / 1_048_576:g} MiB" if name in _SIZES else f"{value:,}".replace(",", "\u202f")
