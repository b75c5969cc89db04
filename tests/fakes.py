"""Stand-ins for the outside: what workflows are told in place of the real adapters."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from provisioner.core.answers import Answer, Chain, Dnssec, Outcome
from provisioner.core.bundle import Bundle
from provisioner.core.certificates import CERTIFICATE_LIFE, CertificateInfo
from provisioner.core.dkim import Algorithm
from provisioner.core.drift import SignerKeys
from provisioner.core.fleet import Host
from provisioner.core.names import is_within
from provisioner.core.publishing import PublishResult, PublishStatus
from provisioner.core.records import Record
from provisioner.core.tenants import HostResult

SERVER, SECOND = "ns1.test", "ns2.test"
TTL = 5


@dataclass
class FakeResolver:
    """DNS as a dictionary: (name, type) → values, or how asking fails. CNAMEs are followed inside it."""

    data: dict[tuple[str, str], tuple[str, ...] | Outcome] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    otherwise: Outcome | None = None
    """How every other question ends; None: there is no such name, or none of its records."""
    signed: dict[str, Dnssec] = field(default_factory=dict)
    ttls: dict[str, int] = field(default_factory=dict)
    """Of the records of a name, in seconds; else TTL."""
    second: dict[tuple[str, str], tuple[str, ...] | Outcome] = field(default_factory=dict)
    """What another server with authority, ns2.test, has instead."""

    def set(self, name: str, kind: str, *values: str) -> None:
        """Make a name have these values."""
        self.data[(name, kind)] = values

    def fail(self, name: str, kind: str, outcome: Outcome = Outcome.SERVER_FAILED) -> None:
        """Make a question fail."""
        self.data[(name, kind)] = outcome

    def publish_all(self, records: Sequence[Record]) -> None:
        """Make everything be as it ought to."""
        for record in records:
            present = self.data.get((record.name, record.type), ())
            assert not isinstance(present, Outcome)
            self.data[(record.name, record.type)] = (*present, record.value)

    def lookup(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        chain: list[str] = []
        current = name
        soa = self._soa(name) if kind == "SOA" else ("", 0)
        while kind != "CNAME" and isinstance(target := self.data.get((current, "CNAME")), tuple):
            current = target[0]
            chain.append(current)
        found = self.data.get((current, kind))
        if isinstance(found, Outcome):
            return Answer(name, kind, found, chain=tuple(chain), server=SERVER)
        if found:
            ttl = max(self.ttls.get(each, TTL) for each in (name, *chain))
            return Answer(name, kind, Outcome.FOUND, tuple(found), tuple(chain), SERVER, ttl, *soa)
        if self.otherwise is not None:
            return Answer(name, kind, self.otherwise, chain=tuple(chain), server=SERVER)
        exists = any(is_within(owner, current) for owner, _ in self.data)
        outcome = Outcome.NO_DATA if exists else Outcome.NO_SUCH_NAME
        return Answer(name, kind, outcome, (), tuple(chain), SERVER, 0, *soa)

    def _soa(self, name: str) -> tuple[str, int]:
        """The zone of a name, and for how long it may be believed that there is none."""
        above = name
        while above:
            if isinstance(found := self.data.get((above, "SOA")), tuple):
                return above, int(found[0].split()[-1])
            above = above.partition(".")[2]
        return "", 0

    def lookup_all(self, name: str, kind: str) -> tuple[Answer, ...]:
        first = self.lookup(name, kind)
        if (name, kind) not in self.second:
            return (first,)
        found = self.second[name, kind]
        if isinstance(found, Outcome):
            return first, Answer(name, kind, found, server=SECOND)
        return first, Answer(name, kind, Outcome.FOUND, found, server=SECOND, ttl=TTL)

    async def ask(self, name: str, kind: str) -> Answer:
        return self.lookup(name, kind)

    async def ask_all(self, name: str, kind: str) -> tuple[Answer, ...]:
        return self.lookup_all(name, kind)

    async def dnssec(self, name: str) -> Dnssec:
        return self.signed.get(name, Dnssec(name, *self._chain))

    @property
    def _chain(self) -> tuple[Chain, str]:
        return (Chain.UNKNOWN, self.otherwise.value) if self.otherwise else (Chain.UNSIGNED, "not signed")


@dataclass
class FakePush:
    """Hosts that take every bundle, save those named as broken; those silent say nothing of their keys."""

    broken: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)
    bundles: list[Bundle] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    keys: dict[str, bytes] = field(default_factory=dict)

    def __call__(
        self, compiled: Callable[[], Bundle], hosts: Sequence[Host], load_key: Callable[[str], bytes], /
    ) -> list[HostResult]:
        bundle = compiled()
        self.bundles.append(bundle)
        self.hosts = [host.name for host in hosts]
        self.keys = {key: load_key(key) for key in bundle.keys}
        return [
            HostResult(host.name, ok=False, message="no answer")
            if host.name in self.broken
            else HostResult(host.name, ok=True, version=bundle.version, seconds=0.1)
            for host in hosts
        ]

    def signers(self, hosts: Sequence[Host], domains: Sequence[str], /) -> dict[str, SignerKeys]:
        """What lies there: what was pushed, or what somebody put in its place."""
        assert domains
        held = {key: self.instead.get(key, key) for key in self.keys}
        return {
            host.name: SignerKeys(away="no answer") if host.name in self.silent else SignerKeys(holds=held)
            for host in hosts
        }


class FakePasswords:
    """Always the same password; its hash is quick."""

    def generate(self) -> str:
        return "the-password"

    def hash_password(self, password: str) -> str:
        return f"$argon2id$v=19$m=1,t=1,p=1$c2FsdA${hashlib.sha256(password.encode()).hexdigest()}"


@dataclass
class FakePublisher:
    """Takes every record."""

    records: list[Record] = field(default_factory=list)

    def obstacle(self, name: str) -> str:
        return ""

    def publish(self, records: Sequence[Record]) -> list[PublishResult]:
        self.records += records
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.PUBLISHED) for r in records]

    def withdraw(self, records: Sequence[Record]) -> list[PublishResult]:
        gone = {(record.name, record.type) for record in records}
        self.records = [each for each in self.records if (each.name, each.type) not in gone]
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.PUBLISHED) for r in records]


@dataclass
class FakeSecrets:
    """Secrets in memory."""

    known: dict[str, str] = field(default_factory=dict)
    certificates: dict[str, CertificateInfo] = field(default_factory=dict)

    def ensure_password(self) -> bool:
        return False

    def ensure_variables(self, wanted: Mapping[str, Callable[[], str]]) -> tuple[str, ...]:
        missing = sorted(set(wanted) - set(self.known))
        self.known |= {name: wanted[name]() for name in missing}
        return tuple(missing)

    def authority(self) -> CertificateInfo | None:
        return self.certificates.get("ca")

    def make_authority(self, fleet: str, now: datetime) -> None:
        self.issue("ca", (fleet,), now)

    def certificate(self, name: str) -> CertificateInfo | None:
        return self.certificates.get(name)

    def issue(self, name: str, names: tuple[str, ...], now: datetime) -> None:
        self.certificates[name] = CertificateInfo(frozenset(names), now + CERTIFICATE_LIFE, by_fleet=True)


def key_maker(algorithm: Algorithm) -> tuple[str, bytes]:
    """A real public key of each kind, always the same; the private half is only text."""
    if algorithm is Algorithm.ED25519:
        return base64.b64encode(bytes(range(32))).decode(), b"private ed25519"
    return RSA_PUBLIC, b"private rsa"


RSA_PUBLIC = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlAoWR86QRmYLCswBdhpSIQMT+63wAjWFd+stgzzWTMcjfA"
    "C14AbY61GczjVrfSPiv4va31qLcMxxgQd5tI6ZtWG7EBCQgiUGcrOPzHsZzRT0CT3LDJgMZdFz7BBU4qh2ToTCtPWl"
    "ecvvll4saTvwaK08Iofw8pdEPOSFWnvpF4t2uyvyUY7OHOmZGIYxRmasU8pLm89aKaMZcPAYm4weF5alROtKy5LTXV"
    "r9CXhVV0ZBn4W/b1SJpPeWbBC68AJpwGtmiyKefNex+lrdLsiQgVSMrCj/gd8ApjVbjzT9LvzBTKTTn8VLqJSzk2+w"
    "ZL130oCmyglnfqVMiIu6xc4IaQIDAQAB"
)
