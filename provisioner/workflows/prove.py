"""The main job, shown: a customer from nothing to mail in the world, and what the world says of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import cycle, islice
from typing import Protocol

from provisioner.core import proof
from provisioner.core.answers import Dns
from provisioner.core.errors import CheckFailed
from provisioner.core.findings import Status
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import Wait
from provisioner.core.proof import Proof
from provisioner.workflows import customer, dkim, dns, readiness, rotation
from provisioner.workflows.customer import NewCustomer
from provisioner.workflows.ports import Passwords, Publisher, TenantStore
from provisioner.workflows.probe import Login, temporary_login
from provisioner.workflows.push import TenantPush
from provisioner.workflows.send_test import Receipt, compose

CONNECTIONS = 10
"""Sessions at once that submit the mails."""

DNS_PATIENCE = 30.0
"""Seconds for records to be seen."""


class Session(Protocol):
    """A logged-in session with the fleet."""

    def send(self, sender: str, recipients: Iterable[str], message: EmailMessage | bytes) -> Receipt:
        """Submit one message. Raises CheckFailed when it is refused."""


class Stored(Protocol):
    """A message as the world stored it."""

    @property
    def recipient(self) -> str:
        """For whom."""

    @property
    def message_id(self) -> str:
        """Its Message-ID."""

    @property
    def raw(self) -> bytes:
        """Its bytes."""


@dataclass(frozen=True)
class Tools:
    """The adapters that the proof works with."""

    store: TenantStore
    passwords: Passwords
    keys: Callable[[], rotation.Tools]
    resolver: Callable[[Inventory], Dns]
    publisher: Callable[[Inventory], Publisher]
    push: TenantPush
    session: Callable[[Login], AbstractContextManager[Session]]
    received_since: Callable[[float], Sequence[Stored]]
    verify: Callable[[bytes], dict[str, bool]]


@dataclass(frozen=True)
class Line:
    """One message's line in the proof. verified: dkimpy's verdict by key type; seconds: until stored."""

    recipient: str
    message_id: str
    proof: Proof | None
    verified: dict[str, bool] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with it; empty when all is right."""
        if self.proof is None:
            return ("not received",)
        own = [
            f"DKIM {kind} does not verify with dkimpy"
            for kind in ("rsa", "ed25519")
            if not self.verified.get(kind)
        ]
        return (*self.proof.faults, *own)


@dataclass(frozen=True)
class Report:
    """All messages' lines, and the seconds from the first submission to the last arrival."""

    lines: tuple[Line, ...]
    doubled: int
    seconds: float

    @property
    def right(self) -> bool:
        """Whether every message arrived once, with everything right."""
        return not self.doubled and not any(line.faults for line in self.lines)


def prepare(tools: Tools, wanted: NewCustomer, say: Callable[[str], None]) -> None:
    """Bring the customer to where its mail may be sent; every step already done is skipped.

    Raises CheckFailed when its DNS does not become right in time.
    """
    inventory = tools.store.load()
    if inventory.customer(wanted.name) is None:
        customer.add(tools.store, tools.passwords, wanted, lambda _: None, tools.push)
        say(f"customer {wanted.name} added, plan {wanted.plan}")
    keys = tools.keys()
    for domain in wanted.domains:
        if dkim.generate(tools.store, keys.make, domain, keys.now(), keys.audit, "lab prove").made:
            say(f"{domain}: DKIM keys generated, RSA and Ed25519")
    inventory = tools.store.load()
    for subject in (None, *wanted.domains):
        done = dns.publish(inventory, subject, tools.publisher(inventory))
        say(f"{subject or 'the fleet'}: {len(done)} record sets published")
    _sign(tools, wanted.domains, say)
    inventory = tools.store.load()
    for domain in wanted.domains:
        _await_dns(tools, inventory, domain)
        say(f"{domain}: SPF, DKIM and DMARC verified at every authoritative server")


def _sign(tools: Tools, domains: Sequence[str], say: Callable[[str], None]) -> None:
    """Bring the domains' keys to where they sign and are proven. Raises CheckFailed when they stay behind."""
    deadline = time.monotonic() + DNS_PATIENCE

    def pause(open_: Sequence[str], waits: Sequence[Wait]) -> None:
        if time.monotonic() > deadline:
            raise CheckFailed(
                f"The keys of {', '.join(open_)} wait: {'; '.join(each.reason for each in waits)}"
            )
        time.sleep(rotation.pause_for(waits, datetime.now(UTC)))

    done = rotation.follow(tools.store, rotation.Request(domains, why="lab prove"), tools.keys, pause)
    if done.faults:
        raise CheckFailed("; ".join(f"{each.domain}: {each.message}" for each in done.faults))
    for domain in domains:
        say(f"{domain}: keys sign on every backend, probes verify")


def _await_dns(tools: Tools, inventory: Inventory, domain: str) -> None:
    deadline = time.monotonic() + DNS_PATIENCE
    while True:
        findings = asyncio.run(readiness.domain(inventory, domain, tools.resolver(inventory)))
        wrong = [finding for finding in findings if finding.status in {Status.FAIL, Status.UNKNOWN}]
        if not wrong:
            return
        if time.monotonic() > deadline:
            seen = "; ".join(f"{finding.id} {finding.subject}: {finding.seen}" for finding in wrong)
            raise CheckFailed(
                f"The DNS of {domain} is not right: {seen}", hint="provisioner dns verify has it all."
            )
        time.sleep(1)


def prove(
    tools: Tools,
    name: str,
    count: int,
    receivers: Sequence[str],
    trusted: Iterable[str],
    patience: float,
    progress: Callable[[str, int], None],
    say: Callable[[str], None],
) -> Report:
    """Send `count` mails of customer `name` to the receivers in turn and judge each as the world stored it.

    trusted: names under which the world writes Authentication-Results. patience: seconds that mail may take
    to arrive. progress: told a stage and its count. say: told which hosts take no part. Raises CheckFailed
    when the fleet refuses one.
    """
    domain = customer.known(tools.store.load(), name).domains[0]
    begun = time.time()
    mails = [
        (f"reader{number}@{receiver}", compose(domain, [f"reader{number}@{receiver}"], datetime.now(UTC)))
        for number, receiver in enumerate(islice(cycle(receivers), count))
    ]
    with (
        temporary_login(tools.store, name, tools.passwords, tools.push, say) as login,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        sent: dict[str, float] = {}

        def submit(batch: Sequence[tuple[str, EmailMessage]]) -> None:
            with tools.session(login) as session:
                for recipient, message in batch:
                    session.send(f"bounce@{domain}", [recipient], message)
                    sent[str(message["Message-ID"])] = time.time()
                    progress("sent", len(sent))

        list(pool.map(submit, [mails[start::CONNECTIONS] for start in range(CONNECTIONS)]))
    stored, arrived = _await_arrival(tools, begun, set(sent), patience, progress)
    lines = tuple(
        _judge(tools, recipient, str(message["Message-ID"]), stored, sent, trusted)
        for recipient, message in mails
    )
    copies = Counter(each.message_id for each in stored if each.message_id in sent)
    return Report(lines, sum(copies.values()) - len(copies), arrived - begun)


def _await_arrival(
    tools: Tools, since: float, wanted: set[str], patience: float, progress: Callable[[str, int], None]
) -> tuple[list[Stored], float]:
    deadline = time.time() + patience
    while True:
        stored = [each for each in tools.received_since(since) if each.message_id in wanted]
        progress("received", len({each.message_id for each in stored}))
        if {each.message_id for each in stored} == wanted or time.time() > deadline:
            return stored, time.time()
        time.sleep(0.5)


def _judge(
    tools: Tools,
    recipient: str,
    message_id: str,
    stored: Sequence[Stored],
    sent: dict[str, float],
    trusted: Iterable[str],
) -> Line:
    found = next(
        (each for each in stored if each.message_id == message_id and each.recipient == recipient), None
    )
    if found is None:
        return Line(recipient, message_id, None)
    seen = proof.read(found.raw, recipient, trusted)
    at = seen.hops[-1].at if seen.hops else None
    # The trace has whole seconds: a message may seem to arrive before the second in which it was sent.
    seconds = max(0.0, at.timestamp() - sent[message_id]) if at else None
    return Line(recipient, message_id, seen, tools.verify(found.raw), seconds)
