"""A rotation carried out: whatever ends a run, the next completes it; no key signs that DNS does not have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from provisioner.adapters import dkim_keys
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.answers import Outcome as DnsOutcome
from provisioner.core.dkim import Algorithm, KeyState
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Host
from provisioner.core.key_slots import Action, On, Wish, slots_of
from provisioner.core.probes import ProbeAsk, Probed, Verdict
from provisioner.core.publishing import PublishResult, PublishStatus
from provisioner.core.records import SLOTS, Record
from provisioner.workflows import rotation
from provisioner.workflows.rotation import Outcome, Request, Tools, Transition
from tests import samples
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

    def __post_init__(self) -> None:
        for zone in ("dkim.operator.example", DOMAIN):
            self.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 3600")
        for target in TARGETS:
            selector = target.partition(".")[0]
            self.dns.set(f"{selector}._domainkey.{DOMAIN}", "CNAME", target)

    @property
    def tools(self) -> Tools:
        return Tools(make, self.hosts, self.dns, self, self.probe, lambda: self.now, self.log.extend)

    def probe(self, asks: Sequence[ProbeAsk], hosts: Sequence[Host]) -> list[Probed]:
        assert all(ask.selectors == self.signing() and ask.account for ask in asks)
        return [Probed(ask.domain, host.name, self.probes, "why") for ask in asks for host in hosts]

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


@pytest.fixture
def store(tmp_path: Path) -> TenantFiles:
    return TenantFiles(samples.write(tmp_path))


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
    """Run every hour; at each moment what signs has to be in DNS."""
    said = []
    for _ in range(days * 24 + 3):
        outcome = run(store, world, wish)
        wish = Wish.NOTHING
        said += [each.action for each in outcome.done]
        for selector in world.signing():
            record = world.dns.lookup(f"{selector}._domainkey.{DOMAIN}", "TXT")
            key = next(each for each in store.load().keys_of(DOMAIN) if each.selector == selector)
            assert record.values == (key.record.render(),)
        world.now += TTL
    return said


def test_the_first_keys_come_by_themselves(store: TenantFiles) -> None:
    world = World()
    assert go_on(store, world, 0) == [
        *(Action.GENERATE, Action.DISTRIBUTE, Action.ACKNOWLEDGE, Action.PUBLISH),
        *(Action.NOTE_AGREEMENT, Action.ACTIVATE, Action.PROVE),
    ]
    assert (states(store), world.signing()) == ({1: KeyState.ACTIVE}, {"s1", "e1"})


def test_a_rotation_from_one_slot_to_the_next(store: TenantFiles, tmp_path: Path) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 1, Wish.ROTATE)
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}
    assert world.signing() == {"s2", "e2"}
    go_on(store, world, 14)
    assert states(store) == {2: KeyState.ACTIVE}
    assert not [name for name, kind in world.dns.data if kind == "TXT" and name.startswith(("s1.", "e1."))]
    text = (tmp_path / f"keys/{DOMAIN}.yml").read_text()
    assert text.count("private: !vault") == 2


def test_whatever_ends_a_run_the_next_completes_it(store: TenantFiles) -> None:
    """Killed after each transition in turn, and before it was told."""
    world = World()

    def killed(_: Transition) -> None:
        raise KeyboardInterrupt

    wishes = [Wish.NOTHING] * 40
    wishes[15] = Wish.ROTATE
    for wish in wishes:
        with suppress(KeyboardInterrupt):
            run(store, world, wish, killed)
        world.now += TTL
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}
    go_on(store, world, 0)
    assert world.signing() == {"s2", "e2"}


@pytest.mark.parametrize("outcome", [DnsOutcome.SERVER_FAILED, DnsOutcome.TIMEOUT])
def test_a_server_in_doubt_holds_the_keys(store: TenantFiles, outcome: DnsOutcome) -> None:
    world = World()
    world.dns.fail(f"s1._domainkey.{DOMAIN}", "TXT", outcome)
    world.dns.data.pop((f"s1._domainkey.{DOMAIN}", "CNAME"))
    go_on(store, world, 1)
    waits = run(store, world).waits[DOMAIN]
    assert [wait.reason for wait in waits] == [f"DNS: s1._domainkey.{DOMAIN}: {outcome.value} (ns1.test)"]
    assert states(store) == {1: KeyState.VERIFIED}
    world.dns.data.pop((f"s1._domainkey.{DOMAIN}", "TXT"))
    world.dns.set(f"s1._domainkey.{DOMAIN}", "CNAME", TARGETS[0])
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def waited(store: TenantFiles, world: World) -> timedelta:
    """How long the first keys are looked at until they sign."""
    run(store, world)
    (wait,) = run(store, world).waits[DOMAIN]
    assert (wait.on, wait.until is not None) == (On.TIME, True)
    return (wait.until or world.now) - world.now


def test_the_second_look_comes_when_nobody_can_still_follow_an_old_alias(store: TenantFiles) -> None:
    world = World()
    world.dns.ttls[f"s1._domainkey.{DOMAIN}"] = 86_400
    assert waited(store, world) == timedelta(days=1)


@pytest.mark.parametrize("zone", ["dkim.operator.example", DOMAIN])
def test_the_second_look_comes_when_nobody_can_still_believe_that_there_is_nothing(
    store: TenantFiles, zone: str
) -> None:
    world = World()
    world.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 7200")
    world.dns.set(f"_domainkey.{DOMAIN}", "CNAME", "nothing.here.example")
    assert waited(store, world) == timedelta(hours=2)


def test_keys_that_a_customer_publishes_hang_on_its_own_zone_alone(
    store: TenantFiles, tmp_path: Path
) -> None:
    file = tmp_path / "customers/acme.yml"
    file.write_text(file.read_text() + "dkim_records: txt\n")
    world = World()
    world.dns.data = {place: value for place, value in world.dns.data.items() if place[1] != "CNAME"}
    world.dns.set(DOMAIN, "SOA", "ns1.test hostmaster.test 1 2 3 4 7200")
    world.dns.set("dkim.operator.example", "SOA", "ns1.test hostmaster.test 1 2 3 4 86400")
    run(store, world)
    by_hand(store, world)
    assert waited(store, world) == timedelta(hours=2)


@pytest.mark.parametrize("zone", ["dkim.operator.example", DOMAIN])
def test_a_time_to_live_that_is_not_known_is_doubt(store: TenantFiles, zone: str) -> None:
    world = World()
    world.dns.fail(zone, "SOA", DnsOutcome.TIMEOUT)
    go_on(store, world, 1)
    (wait,) = run(store, world).waits[DOMAIN]
    assert wait.reason == f"DNS: the SOA record of {zone}: no answer (ns1.test)"
    assert states(store) == {1: KeyState.VERIFIED}
    world.dns.data.pop((zone, "SOA"))
    go_on(store, world, 1)
    assert states(store) == {1: KeyState.VERIFIED}
    world.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 3600")
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_a_signer_that_is_away_holds_the_keys(store: TenantFiles) -> None:
    world = World(hosts=FakePush(broken=("be2",)))
    go_on(store, world, 1)
    waits = run(store, world).waits[DOMAIN]
    assert [wait.reason for wait in waits] == ["signers that have not shown these keys: be2"]
    assert states(store) == {1: KeyState.DISTRIBUTED}
    world.hosts.broken = ()
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_a_primary_that_refuses_the_update_holds_the_keys_and_says_so(store: TenantFiles) -> None:
    world = World(refuses=True)
    go_on(store, world, 1)
    faults = run(store, world).faults
    assert "was not published: REFUSED" in faults[0].message
    assert states(store) == {1: KeyState.PUBLISHED}
    world.refuses = False
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_leaked_keys_are_replaced_with_all_proof_and_revoked_at_once(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    assert go_on(store, world, 0, Wish.EMERGENCY) == [
        *(Action.MARK_LEAKED, Action.GENERATE, Action.DISTRIBUTE, Action.ACKNOWLEDGE, Action.PUBLISH),
        *(Action.NOTE_AGREEMENT, Action.ACTIVATE, Action.NOTE_STOPPED, Action.PROVE, Action.REVOKE),
        *(Action.NOTE_AGREEMENT, Action.DESTROY),
    ]
    assert states(store) == {2: KeyState.ACTIVE}


@pytest.mark.parametrize("wish", [Wish.ROTATE, Wish.EMERGENCY])
def test_the_same_command_again_goes_on_with_what_it_began(store: TenantFiles, wish: Wish) -> None:
    """As whoever saw it end early repeats it: at each moment until the new keys are proven."""
    world = World(probes=Verdict.DOUBT)
    go_on(store, world, 0)
    first = {KeyState.ACTIVE: 1}
    if wish is Wish.EMERGENCY:
        world.probes = Verdict.RIGHT
        run(store, world)
        first = {KeyState.RETIRING: 1, KeyState.ACTIVE: 2}
        run(store, world, wish)
        world.probes = Verdict.DOUBT
    for _ in range(3):
        world.now += TTL
        run(store, world, wish)
    assert {slot.state: slot.number for slot in slots_of(store.load().keys_of(DOMAIN))} == first
    assert [each.action for each in world.log].count(Action.GENERATE) == len(first)
    assert not next(key for key in store.load().keys_of(DOMAIN) if key.state is KeyState.ACTIVE).leaked


def test_leaked_keys_stay_in_dns_as_long_as_a_signer_uses_them_or_the_new_ones_do_not_verify(
    store: TenantFiles,
) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    world.now += TTL
    there = world.dns.lookup(TARGETS[0], "TXT").values

    def be2_goes_away(transition: Transition) -> None:
        if transition.action is Action.ACTIVATE:
            world.hosts.broken = ("be2",)

    outcome = run(store, world, note=be2_goes_away)
    assert {wait.on for wait in outcome.waits[DOMAIN]} == {On.SIGNERS}
    world.hosts.broken, world.probes = (), Verdict.WRONG
    outcome = run(store, world)
    assert [wait.on for wait in outcome.waits[DOMAIN]] == [On.PROOF]
    assert "the probe through be1: why" in outcome.faults[0].message
    assert world.dns.lookup(TARGETS[0], "TXT").values == there
    world.probes = Verdict.RIGHT
    run(store, world)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}


def test_a_revoked_key_is_one_that_dns_says_there_is_none_of(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    world.now += TTL
    run(store, world)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    assert world.dns.lookup(TARGETS[0], "TXT").values == ("v=DKIM1; k=rsa; p=",)


def test_back_again(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 0, Wish.ROTATE)
    go_on(store, world, 0, Wish.ROLLBACK)
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.RETIRING}
    assert world.signing() == {"s1", "e1"}


def test_two_at_once_do_not_get_in_each_others_way(store: TenantFiles, tmp_path: Path) -> None:
    world = World()
    go_on(store, world, 0)
    runs = [Thread(target=run, args=(TenantFiles(tmp_path), world, Wish.ROTATE)) for _ in range(4)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.VERIFIED}
    assert [each.action for each in world.log].count(Action.GENERATE) == 2


def test_a_domain_that_is_nobodys(store: TenantFiles) -> None:
    with pytest.raises(UsageError, match="belongs to no customer"):
        rotation.run(store, Request(["elsewhere.example"]), World().tools)
    assert rotation.all_domains(store.load()) == ()


def test_each_transition_says_why_and_what_it_rests_on(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    assert {(each.domain, each.slot, each.why) for each in world.log} == {(DOMAIN, 1, "because")}
    said = {each.action: each.seen for each in world.log}
    assert said[Action.ACKNOWLEDGE] == "held by be1, be2"
    assert said[Action.PUBLISH] == "published by the primary"
    assert said[Action.ACTIVATE] == "exact at ns1.test; held by be1, be2"
    assert said[Action.PROVE] == "probes through be1, be2 verify"


def test_new_keys_that_fail_their_probes_go_back_by_themselves(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    world.now += TTL
    world.probes = Verdict.WRONG
    outcome = run(store, world)
    assert [each.message for each in outcome.faults] == [
        "the probe through be1: why; the probe through be2: why; going back to the keys before"
    ]
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.RETIRING}
    assert world.signing() == {"s1", "e1"}
    (back,) = [each for each in world.log if each.action is Action.ACTIVATE and each.slot == 1][1:]
    why = "by itself, as those of slot 2 failed: the probe through be1: why; the probe through be2: why"
    assert (back.why, back.seen) == (why, "exact at ns1.test")
    assert world.log[-1].why == "because"
    assert run(store, world).faults == ()


def test_keys_go_back_too_when_their_probe_is_all_that_is_left_to_do(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    world.now += TTL
    world.probes = Verdict.DOUBT
    run(store, world)
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}
    world.probes = Verdict.WRONG
    outcome = run(store, world)
    assert outcome.faults[0].message.endswith("going back to the keys before")
    assert [each.action for each in outcome.done] == [Action.ACTIVATE, Action.NOTE_STOPPED]
    assert (states(store), world.signing()) == ({1: KeyState.ACTIVE, 2: KeyState.RETIRING}, {"s1", "e1"})


@pytest.mark.parametrize("verdict", [Verdict.WRONG, Verdict.DOUBT])
def test_first_keys_have_nothing_to_go_back_to(store: TenantFiles, verdict: Verdict) -> None:
    world = World(probes=verdict)
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}
    assert "the probe through be1: why" in run(store, world).faults[0].message
    world.probes = Verdict.RIGHT
    assert run(store, world).faults == ()


def test_keys_that_leak_are_noted_to_have_even_when_their_probe_fails(store: TenantFiles) -> None:
    world = World(probes=Verdict.WRONG)
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    slots = slots_of(store.load().keys_of(DOMAIN))
    assert [(slot.state, slot.leaked) for slot in slots] == [
        (KeyState.ACTIVE, True),
        (KeyState.VERIFIED, False),
    ]


def test_a_probe_in_doubt_changes_nothing_and_is_sent_again(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    world.now += TTL
    world.probes = Verdict.DOUBT
    run(store, world)
    world.probes = Verdict.RIGHT
    assert [each.action for each in run(store, world).done] == [Action.PROVE]
    assert states(store) == {1: KeyState.RETIRING, 2: KeyState.ACTIVE}


def test_keys_that_are_given_up(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    run(store, world, Wish.ROTATE)
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.VERIFIED}
    run(store, world, Wish.REVOKE, slot=2)
    assert states(store) == {1: KeyState.ACTIVE, 2: KeyState.REVOKED}
    world.now += TTL
    run(store, world)
    assert states(store) == {1: KeyState.ACTIVE}
    assert not [name for name, kind in world.dns.data if kind == "TXT" and name.startswith(("s2.", "e2."))]
    refused = run(store, world, Wish.REVOKE, slot=1)
    assert "others have to take over first" in refused.waits[DOMAIN][0].reason
    assert states(store) == {1: KeyState.ACTIVE}


def test_a_customer_that_does_no_cnames_is_waited_for(store: TenantFiles, tmp_path: Path) -> None:
    file = tmp_path / "customers/acme.yml"
    file.write_text(file.read_text() + "dkim_records: txt\n")
    world = World()
    world.dns.data = {place: value for place, value in world.dns.data.items() if place[1] != "CNAME"}
    go_on(store, world, 1)
    assert states(store) == {1: KeyState.VERIFIED}
    rsa, ed25519 = sorted(store.load().keys_of(DOMAIN), key=lambda key: key.algorithm, reverse=True)
    waits = run(store, world).waits[DOMAIN]
    assert f'Publish: e1._domainkey.{DOMAIN} TXT "{ed25519.record.render()}"' in waits[0].reason
    assert not [name for name, kind in world.dns.data if kind == "TXT"]
    for key in (rsa, ed25519):
        world.dns.set(f"{key.selector}._domainkey.{DOMAIN}", "TXT", key.record.render())
    go_on(store, world, 0)
    assert states(store) == {1: KeyState.ACTIVE}


def test_private_keys_leave_every_signer_before_they_are_called_destroyed(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    (old, _) = (key for key in store.load().keys_of(DOMAIN) if key.slot == 1)
    run(store, world, Wish.EMERGENCY)
    world.now += TTL

    def be2_goes_away(transition: Transition) -> None:
        if transition.action is Action.REVOKE:
            world.hosts.broken = ("be2",)

    run(store, world, note=be2_goes_away)
    assert old.id not in world.hosts.bundles[-1].keys
    go_on(store, world, 3)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    (wait,) = run(store, world).waits[DOMAIN]
    assert (wait.on, "may still hold the private keys: be2" in wait.reason) == (On.SIGNERS, True)
    world.hosts.broken = ()
    run(store, world)
    assert states(store) == {2: KeyState.ACTIVE}
    assert world.log[-1].seen == "gone at ns1.test; no longer on be1, be2; withdrawn by the primary"


def by_hand(store: TenantFiles, world: World) -> None:
    """The customer publishes what its keys need, of those that come."""
    for key in store.load().keys_of(DOMAIN):
        if key.state is not KeyState.REVOKED:
            world.dns.set(f"{key.selector}._domainkey.{DOMAIN}", "TXT", key.record.render())


def test_leaked_keys_are_not_called_destroyed_while_the_customer_still_publishes_them(
    store: TenantFiles, tmp_path: Path
) -> None:
    file = tmp_path / "customers/acme.yml"
    file.write_text(file.read_text() + "dkim_records: txt\n")
    world = World()
    world.dns.data = {place: value for place, value in world.dns.data.items() if place[1] != "CNAME"}
    run(store, world)
    by_hand(store, world)
    go_on(store, world, 0)
    run(store, world, Wish.EMERGENCY)
    by_hand(store, world)
    go_on(store, world, 7)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    (wait,) = run(store, world).waits[DOMAIN]
    assert (wait.on, wait.until) == (On.CUSTOMER, None)
    assert wait.reason.endswith(f"Remove the TXT record e1._domainkey.{DOMAIN}, or empty its p=")
    world.dns.data.pop((f"e1._domainkey.{DOMAIN}", "TXT"))
    world.dns.set(f"s1._domainkey.{DOMAIN}", "TXT", "v=DKIM1; p=")
    go_on(store, world, 0)
    assert states(store) == {2: KeyState.ACTIVE}


def test_without_a_primary_revoked_keys_wait_until_they_are_gone_from_dns(store: TenantFiles) -> None:
    world = World()
    go_on(store, world, 0)
    go_on(store, world, 0, Wish.EMERGENCY)
    assert states(store) == {2: KeyState.ACTIVE}
    tools = replace(world.tools, publisher=None)
    rotation.run(store, Request([DOMAIN], Wish.ROTATE), tools)
    (key, _) = (each for each in store.load().keys_of(DOMAIN) if each.slot == 1)
    world.dns.set(f"{key.selector}.{DOMAIN}.dkim.operator.example", "TXT", key.record.render())
    rotation.run(store, Request([DOMAIN], Wish.REVOKE, slots={DOMAIN: 1}), tools)
    for _ in range(3):
        world.now += TTL
        outcome = rotation.run(store, Request([DOMAIN]), tools)
    assert states(store) == {1: KeyState.REVOKED, 2: KeyState.ACTIVE}
    assert outcome.waits[DOMAIN][0].on is On.DNS
    world.dns.data.pop((f"{key.selector}.{DOMAIN}.dkim.operator.example", "TXT"))
    for _ in range(2):
        rotation.run(store, Request([DOMAIN]), tools)
        world.now += TTL
    assert states(store) == {2: KeyState.ACTIVE}
