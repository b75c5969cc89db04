"""DNS, hosts, a primary and a clock in memory, and a customer's keys that live in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from provisioner.adapters import dkim_keys
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.dkim import Algorithm, KeyState
from provisioner.core.fleet import Host
from provisioner.core.key_slots import Action, On, Wish, slots_of
from provisioner.core.probes import ProbeAsk, Probed, Verdict
from provisioner.core.publishing import PublishResult, PublishStatus
from provisioner.core.records import SLOTS, Record
from provisioner.workflows import rotation
from provisioner.workflows.rotation import Outcome, Request, Tools, Transition
from provisioner.workflows.transitions import Fault, Happening
from tests.fakes import FakePush, FakeResolver

DOMAIN = "acme.example"
TARGETS = [f"{letter}{slot}.{DOMAIN}.dkim.operator.example" for slot in SLOTS for letter in "se"]
TTL = timedelta(hours=1)
_keys: dict[tuple[str, int], tuple[str, bytes]] = {}
_made = count()


def make(algorithm: Algorithm) -> tuple[str, bytes]:
    """Real keys, made once for all tests, a different one each time."""
    number = next(_made) % 4
    if (algorithm.value, number) not in _keys:
        _keys[algorithm.value, number] = dkim_keys.generate(algorithm)
    return _keys[algorithm.value, number]


@dataclass
class World:
    """DNS, hosts and a clock, with a customer that has published its CNAMEs."""

    dns: FakeResolver = field(default_factory=FakeResolver)
    hosts: FakePush = field(default_factory=FakePush)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    refuses: bool = False
    probes: Verdict = Verdict.RIGHT
    log: list[Transition] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        for zone in ("dkim.operator.example", DOMAIN):
            self.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 3600")
        for target in TARGETS:
            selector = target.partition(".")[0]
            self.dns.set(f"{selector}._domainkey.{DOMAIN}", "CNAME", target)

    @property
    def tools(self) -> Tools:
        return Tools(
            make,
            self.hosts,
            self.hosts.signers,
            self.dns,
            self,
            self.probe,
            lambda: self.now,
            self.audit,
        )

    def probe(self, asks: Sequence[ProbeAsk], hosts: Sequence[Host]) -> list[Probed]:
        assert all(ask.selectors == self.signing() and ask.account for ask in asks)
        return [Probed(ask.domain, host.name, self.probes, "why") for ask in asks for host in hosts]

    def audit(self, happened: Sequence[Happening]) -> None:
        self.log += [each for each in happened if isinstance(each, Transition)]
        self.faults += [each for each in happened if isinstance(each, Fault)]

    def obstacle(self, name: str) -> str:
        return "REFUSED" if self.refuses else ""

    def publish(self, records: Sequence[Record]) -> list[PublishResult]:
        return [self._take(record, (record.value,)) for record in records]

    def withdraw(self, records: Sequence[Record]) -> list[PublishResult]:
        return [self._take(record, None) for record in records]

    def _take(self, record: Record, values: tuple[str, ...] | None) -> PublishResult:
        if self.refuses:
            return PublishResult(record.name, record.type, record.zone, PublishStatus.NOT_OURS, "REFUSED")
        self.dns.data.pop((record.name, record.type), None)
        if values is not None:
            self.dns.set(record.name, record.type, *values)
        return PublishResult(record.name, record.type, record.zone, PublishStatus.PUBLISHED)

    def signing(self) -> set[str]:
        """Selectors that hosts sign with, each of which DNS must have; so no test can miss a wrong moment."""
        lines = self.hosts.bundles[-1].backend["domains"].decode()
        return {each for each in (t.partition(".")[0] for t in TARGETS) if f'"selector":"{each}"' in lines}


def run(
    store: TenantFiles,
    world: World,
    wish: Wish = Wish.NOTHING,
    note: Callable[[Transition], None] = lambda _: None,
    slot: int | None = None,
) -> Outcome:
    return rotation.run(
        store, Request([DOMAIN], wish, "because", {DOMAIN: slot} if slot else {}), world.tools, note
    )


def states(store: TenantFiles) -> dict[int, KeyState]:
    return {slot.number: slot.state for slot in slots_of(store.load().keys_of(DOMAIN))}


def go_on(store: TenantFiles, world: World, days: int, wish: Wish = Wish.NOTHING) -> list[Action]:
    """Run thrice within hours, then three times a day; at each moment what signs has to be in DNS."""
    said = []
    for number in range(3 + days * 3):
        inventory = store.load()
        if not inventory.owner(DOMAIN) and not inventory.keys_of(DOMAIN):
            break
        outcome = run(store, world, wish)
        wish = Wish.NOTHING
        said += [each.action for each in outcome.done]
        for selector in world.signing():
            record = world.dns.lookup(f"{selector}._domainkey.{DOMAIN}", "TXT")
            key = next(each for each in store.load().keys_of(DOMAIN) if each.selector == selector)
            assert record.values == (key.record.render(),)
        world.now += TTL if number < 3 else 8 * TTL
    return said


def waited(store: TenantFiles, world: World) -> timedelta:
    """How long the first keys are looked at until they sign."""
    run(store, world)
    (wait,) = run(store, world).waits[DOMAIN]
    assert (wait.on, wait.until is not None) == (On.TIME, True)
    return (wait.until or world.now) - world.now


def by_hand(store: TenantFiles, world: World) -> None:
    """The customer publishes what its keys need, of those that come."""
    for key in store.load().keys_of(DOMAIN):
        if key.state is not KeyState.REVOKED:
            world.dns.set(f"{key.selector}._domainkey.{DOMAIN}", "TXT", key.record.render())
