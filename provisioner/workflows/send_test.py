"""Send one message as a customer and follow it to every recipient's server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Protocol

from provisioner.core.customers import Customer
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Host, Inventory
from provisioner.core.maillog import Delivery, accepted, deliveries, handover_tls
from provisioner.workflows.probe import Login

POLL = 0.5
"""Seconds between looks at the logs."""


class Receipt(Protocol):
    """How the fleet took a message."""

    @property
    def reply(self) -> str:
        """The server's last answer."""

    @property
    def queue_id(self) -> str | None:
        """The queue id in it."""

    @property
    def tls(self) -> str:
        """The protocol of the session."""

    @property
    def seconds(self) -> float:
        """How long the transaction took."""


Submit = Callable[[Login, str, Sequence[str], EmailMessage], Receipt]
"""Submits through the load balancer: login, MAIL FROM, recipients, message. Raises CheckFailed."""

ReadLogs = Callable[[Sequence[Host], str], Mapping[str, list[str]]]
"""Log lines about a queue id, by host."""


@dataclass(frozen=True)
class Hop:
    """One step of the way, for people and programs."""

    stage: str
    place: str
    result: str
    detail: str = ""
    tls: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Followed:
    """What became of a test message; `delivered` when every recipient's server took it."""

    message_id: str
    queue_id: str | None
    hops: tuple[Hop, ...]
    delivered: bool


def compose(domain: str, recipients: Sequence[str], now: datetime) -> EmailMessage:
    """A plain test message from `postmaster@domain`."""
    message = EmailMessage()
    message["From"] = f"Delivery test <postmaster@{domain}>"
    message["To"] = ", ".join(recipients)
    message["Subject"] = f"Delivery test of {domain}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid("provisioner", domain=domain)
    message.set_content("This message shows that mail of this domain is accepted, signed and delivered.\n")
    return message


def sending_domain(inventory: Inventory, customer: Customer, wanted: str | None) -> str:
    """The domain to send as: the one wanted, else the customer's first. Raises UsageError if not theirs."""
    domain = wanted or customer.domains[0]
    if domain not in customer.domains:
        raise UsageError(
            f"{domain} is not a domain of customer {customer.name}.",
            hint=f"It has {', '.join(customer.domains)}.",
        )
    return domain


def send_and_follow(
    inventory: Inventory,
    domain: str,
    recipients: Sequence[str],
    login: AbstractContextManager[Login],
    submit: Submit,
    read: ReadLogs,
    tell: Callable[[Hop], None],
    patience: float = 60.0,
) -> Followed:
    """Submit one message and follow it for up to `patience` seconds; `tell` hears of each hop as it is known.

    Raises CheckFailed when the fleet refuses it, HostsFailed when the login can't be brought to the hosts.
    """
    message = compose(domain, recipients, datetime.now(UTC))
    hops: list[Hop] = []

    def hop(step: Hop) -> None:
        hops.append(step)
        tell(step)

    with login as credentials:
        receipt = submit(credentials, f"postmaster@{domain}", recipients, message)
    if receipt.queue_id is None:
        hop(_submitted(inventory, receipt))
        return Followed(message["Message-ID"], None, tuple(hops), delivered=False)
    found = _follow(inventory, receipt, len(set(recipients)), read, hop, patience)
    for recipient in recipients:
        if recipient not in found:
            hop(Hop("waiting", recipient, "queued", f"no attempt within {patience:.0f} s"))
    delivered = all(recipient in found and found[recipient].status == "sent" for recipient in recipients)
    return Followed(message["Message-ID"], receipt.queue_id, tuple(hops), delivered)


def _follow(
    inventory: Inventory,
    receipt: Receipt,
    count: int,
    read: ReadLogs,
    hop: Callable[[Hop], None],
    patience: float,
) -> dict[str, Delivery]:
    deadline = time.monotonic() + patience
    queue_id = receipt.queue_id or ""
    logs = read(inventory.group("frontends", "backends"), queue_id)
    # A frontend that is gone since can't be named; the message is with a backend all the same.
    hop(_submitted(inventory, receipt, [name for name, lines in logs.items() if accepted(lines, queue_id)]))
    told: dict[str, Delivery] = {}
    backend: Host | None = None
    while True:
        for host in inventory.group("backends"):
            lines = logs.get(host.name, [])
            if lines and backend is None:
                backend = host
                hop(_handed_over(host, *handover_tls(lines, queue_id)))
                hop(Hop("queued", host.name, "signed and queued", queue_id))
            for recipient, delivery in deliveries(lines, queue_id).items():
                if told.get(recipient) != delivery:
                    told[recipient] = delivery
                    hop(_delivery_hop(delivery))
        done = len(told) >= count and all(delivery.final for delivery in told.values())
        if done or time.monotonic() > deadline:
            return told
        time.sleep(POLL)
        # Known once, it is asked alone: one that does not answer takes its time.
        logs = read((backend,) if backend else inventory.group("backends"), queue_id)


def _handed_over(host: Host, version: str, client: str) -> Hop:
    """A backend takes mail of those alone whose certificate verifies; its log says whose that was."""
    return Hop("handed over", host.name, f"certificate of {client}" if client else "", tls=version)


def _submitted(inventory: Inventory, receipt: Receipt, frontends: Sequence[str] = ()) -> Hop:
    """The first hop: through the load balancer, to the frontend that answered."""
    place = " → ".join([inventory.settings.submission_name, *frontends])
    return Hop("submitted", place, "accepted", receipt.reply, receipt.tls, receipt.seconds)


def _delivery_hop(delivery: Delivery) -> Hop:
    return Hop(
        "delivered" if delivery.status == "sent" else delivery.status,
        delivery.relay,
        f"{delivery.recipient}: {delivery.dsn} {delivery.status}",
        delivery.reason,
        delivery.tls,
        delivery.delay,
    )
