"""What workflows need from the outside, as protocols: adapters fulfil them, and tests have fakes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from provisioner.core.answers import Answer
from provisioner.core.certificates import CertificateInfo
from provisioner.core.customers import Customer
from provisioner.core.dem import DemServer
from provisioner.core.dkim import Algorithm, DkimKey
from provisioner.core.drift import SignerKeys
from provisioner.core.fleet import Address, Host, Inventory
from provisioner.core.probes import ProbeAsk, Probed
from provisioner.core.publishing import PublishResult
from provisioner.core.records import Record


class SecretStore(Protocol):
    """Where the fleet's secrets are kept, encrypted."""

    def ensure_password(self) -> bool:
        """Make the vault password when there is none; true when made."""

    def ensure_variables(self, wanted: Mapping[str, Callable[[], str]]) -> tuple[str, ...]:
        """Make those secret variables that are missing; the names of those made."""

    def authority(self) -> CertificateInfo | None:
        """What the fleet's authority says, None when there is none."""

    def make_authority(self, fleet: str, now: datetime) -> None:
        """Make the fleet's authority."""

    def certificate(self, name: str) -> CertificateInfo | None:
        """What a certificate says, None when there is none."""

    def issue(self, name: str, names: tuple[str, ...], now: datetime) -> None:
        """Make a certificate for names and addresses, signed by the fleet's authority."""


class TenantStore(Protocol):
    """Where customers and their keys are kept: an inventory directory."""

    def load(self, keys: tuple[DkimKey, ...] | None = None) -> Inventory:
        """The whole inventory, validated. Raises InventoryError.

        keys: those in it, from who holds their lock and knows them; they are not read then.
        """

    def locked(self) -> AbstractContextManager[None]:
        """Keep other commands from changing it, or what hosts have of it, meanwhile. For moments."""

    def keys_locked(self) -> AbstractContextManager[None]:
        """Keep other commands from changing keys meanwhile, for minutes; taken before `locked`, if both are.

        Who only changes customers does not wait for it: suspending one is a matter of seconds.
        """

    def add_customer(self, customer: Customer) -> str:
        """Write a new customer; the file's name."""

    def add_customers(self, customers: Sequence[Customer]) -> None:
        """Write many new customer files; all or none."""

    def update_customer(self, before: Customer, after: Customer) -> str:
        """Write what differs into a customer's file; its name."""

    def files_of(self, customer: Customer) -> tuple[str, ...]:
        """The files that belong to a customer."""

    def remove_customer(self, customer: Customer) -> tuple[str, ...]:
        """Remove those files; their names."""

    def add_keys(self, domain: str, pairs: Sequence[tuple[DkimKey, bytes]]) -> str:
        """Add keys with their private halves (PEM), which it encrypts; the file's name."""

    def update_keys(self, keys: Sequence[DkimKey]) -> None:
        """Write what differs of keys of one domain."""

    def remove_keys(self, domain: str, selectors: Collection[str]) -> None:
        """Destroy keys of a domain."""

    def key_loader(self, inventory: Inventory) -> Callable[[str], bytes]:
        """What decrypts private keys by id."""


class Passwords(Protocol):
    """Makes passwords."""

    def generate(self) -> str:
        """A new password."""

    def hash_password(self, password: str) -> str:
        """Its hash, as an account keeps it."""


class DemStore(Protocol):
    """Where list servers are kept: an inventory directory."""

    def unchanged_on_error(self, host: str, customer: str) -> AbstractContextManager[None]:
        """Put every file back, should what is done meanwhile fail."""

    def write(self, server: DemServer, secrets: Mapping[str, str]) -> None:
        """Write a server's settings, and its passwords, which it encrypts."""

    def write_settings(self, server: DemServer) -> None:
        """Write what differs of a server's public settings."""

    def add_host(self, name: str, address: Address) -> None:
        """Enter its host."""

    def remove(self, host: str) -> None:
        """Take its host, settings and passwords away."""


KeyMaker = Callable[[Algorithm], tuple[str, bytes]]
"""Makes a DKIM key pair: the `p=` value and the private PEM."""


class Resolver(Protocol):
    """Asks DNS."""

    def lookup(self, name: str, kind: str, /) -> Answer:
        """One answer."""

    def lookup_all(self, name: str, kind: str, /) -> tuple[Answer, ...]:
        """The answer of every server that has to be right."""


class Publisher(Protocol):
    """Publishes records at the operator's primary."""

    def obstacle(self, name: str) -> str:
        """Why records at a name can't be changed there, as far as can be told without; else empty."""

    def publish(self, records: Sequence[Record]) -> list[PublishResult]:
        """Make every record set what it ought to be; one result a set."""

    def withdraw(self, records: Sequence[Record]) -> list[PublishResult]:
        """Remove the record sets of these names and types; one result a set."""


class SignersAsked(Protocol):
    """Asks signers what lies in the files of a domain's keys."""

    def __call__(self, hosts: Sequence[Host], domains: Sequence[str], /) -> Mapping[str, SignerKeys]:
        """By host. Never raises for one host: it is away then."""


class Prober(Protocol):
    """Has every backend sign a message, and verifies what came of it against live DNS."""

    def __call__(self, asks: Sequence[ProbeAsk], hosts: Sequence[Host], /) -> Sequence[Probed]:
        """One result for each of the asks and hosts. Never raises for one host: it is in doubt then."""
