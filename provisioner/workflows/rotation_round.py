"""One round of a rotation: a look at hosts and DNS, the steps that follow from it, carried out and noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from provisioner.core.bundle import compile_bundle
from provisioner.core.customers import DkimRecords
from provisioner.core.dkim import Algorithm, DkimKey, KeyState
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import (
    Action,
    Plan,
    Seen,
    Step,
    Use,
    Wish,
    after,
    policy_of,
    slots_of,
    to_show,
    with_slot,
)
from provisioner.core.probes import ProbeAsk, Probed, Verdict, judge
from provisioner.core.records import Record, Zone, dkim_target, selector
from provisioner.core.rotation import decide, looks
from provisioner.workflows.new_keys import generate
from provisioner.workflows.ports import TenantStore
from provisioner.workflows.push import PushReport
from provisioner.workflows.rotation_look import DnsLook, Signers, signers_show
from provisioner.workflows.rotation_tools import Tools
from provisioner.workflows.transitions import Fault, Transition

AT_ONCE = 16
"""Questions to DNS, and keys in the making, at a time."""


class Round:
    """One look at everything, and the steps that follow from it.

    look_only: it is not carried out, and needs no lock. faults: what failed in this round. back: domains
    whose new keys failed their probes and go back, and why.
    """

    def __init__(
        self,
        store: TenantStore,
        inventory: Inventory,
        tools: Tools,
        before: Round | None = None,
        *,
        look_only: bool = False,
    ) -> None:
        self.faults: list[Fault] = []
        self.back: dict[str, str] = {}
        self._store, self._inventory, self._tools = store, inventory, tools
        self._look: DnsLook = before._look if before else DnsLook(inventory, tools.resolver)
        self._pushed: PushReport | None = before._pushed if before else None
        self._look_only = look_only
        self._changed: dict[str, tuple[DkimKey, ...]] = {}
        self._refused: set[tuple[str, int]] = set()

    def next(self) -> Round:
        """The round after this one, with what it changed."""
        rest = [key for key in self._inventory.keys if key.domain not in self._changed]
        keys = (*rest, *(key for keys in self._changed.values() for key in keys))
        return Round(self._store, replace(self._inventory, keys=keys), self._tools, self)

    def plans(self, wishes: Mapping[str, Wish], targets: Mapping[str, int]) -> dict[str, Plan]:
        """What is due for each domain. Hosts first get what the inventory says, as a push would.

        targets: by domain, the slot that a wish to revoke is about.
        """
        pushed = self._push()
        slots = {domain: slots_of(self._inventory.keys_of(domain)) for domain in wishes}
        policies = {domain: policy_of(self._inventory, domain) for domain in wishes}
        now = self._tools.now()
        places = [
            (domain, number)
            for domain, wish in wishes.items()
            for number in looks(slots[domain], policies[domain], now, wish)
        ]
        to_ask = [
            (domain, slot.number)
            for domain, wish in wishes.items()
            for slot in slots[domain]
            if policies[domain].use is Use.SIGNS and slot.state in to_show(slots[domain], wish)
        ]
        signers = signers_show(self._tools.signers, self._inventory, pushed, to_ask)
        looked: dict[str, dict[int, Seen]] = {domain: {} for domain in wishes}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(lambda place: self._look.at(self._inventory, *place), places)
            for (domain, number), seen in zip(places, answers, strict=True):
                looked[domain][number] = seen
        plans = {}
        for domain, wish in wishes.items():
            unseen = {slot.number: Seen(ttl=self._look.ttl) for slot in slots[domain]}
            found = {
                number: replace(seen, signers=signers.get((domain, number), pushed))
                for number, seen in (unseen | looked[domain]).items()
            }
            target = targets.get(domain)
            plans[domain] = decide(slots[domain], found, policies[domain], now, wish, target)
        return plans

    def _push(self) -> Signers:
        with self._newest() as self._inventory:
            bundle = compile_bundle(self._inventory)
            if self._pushed is None or self._pushed.version != bundle.version or not self._pushed.whole:
                load = self._store.key_loader(self._inventory)
                results = self._tools.push(lambda: bundle, self._inventory.tenant_hosts, load)
                self._pushed = PushReport(bundle.version, tuple(results))
        report = self._pushed
        backends = {host.name for host in self._inventory.group("backends")}
        return {each.host: True if each.ok else None for each in report.results if each.host in backends}

    @contextmanager
    def _newest(self) -> Iterator[Inventory]:
        """With customers as they are now: one that was suspended meanwhile must not be let in again."""
        if self._look_only:
            yield self._inventory
            return
        with self._store.locked():
            yield self._store.load(self._inventory.keys)

    def _keys(self, domain: str, slot: int) -> tuple[DkimKey, ...]:
        return tuple(key for key in self._inventory.keys_of(domain) if key.slot == slot)

    def carry_out(
        self, plans: Mapping[str, Plan], whys: Mapping[str, str], note: Callable[[Transition], None]
    ) -> list[Transition]:
        """Do the steps, one kind after the other, and note each; those that fail wait for the next run.

        whys: by domain, why it is done.
        """
        due = [(domain, step) for domain, plan in plans.items() for step in plan.steps]
        self._refuse_what_nobody_publishes(due)
        seen = self._publish(due) | self._prove(due)
        now = self._tools.now()
        done = [
            (step, Transition(domain, step.slot, step.action, step.state, now, whys[domain], said))
            for domain, step in due
            if (domain, step.slot) not in self._refused
            for said in ("; ".join(filter(None, (step.seen, seen.get((domain, step.slot))))),)
        ]
        transitions = [transition for _, transition in done]
        self._tools.audit([*transitions, *self.faults])
        made = self._generate([(t.domain, t.slot) for t in transitions if t.action is Action.GENERATE])
        steps: dict[str, list[Step]] = {}
        for step, transition in done:
            steps.setdefault(transition.domain, []).append(step)

        def keep(domain: str) -> tuple[DkimKey, ...]:
            return self._note(domain, steps[domain], now, made)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._changed = dict(zip(steps, pool.map(keep, steps), strict=True))
        for transition in transitions:
            note(transition)
        return transitions

    def _refuse_what_nobody_publishes(self, due: Sequence[tuple[str, Step]]) -> None:
        """Hold slots whose keys would be made in vain: the primary takes no changes of its zone."""
        coming = [
            (domain, step.slot)
            for domain, step in due
            if step.action is Action.GENERATE and not self._is_by_hand(domain)
        ]
        if self._tools.publisher is None or not coming:
            return
        domain, slot = coming[0]  # all are in the operator's zone
        name = dkim_target(self._inventory.settings, domain, selector(Algorithm.RSA, slot))
        if obstacle := self._tools.publisher.obstacle(name):
            for place in coming:
                self._refuse(*place, f"no new keys were made: {obstacle}")

    def _is_by_hand(self, domain: str) -> bool:
        customer = self._inventory.owner(domain)
        return customer is not None and customer.dkim_records is DkimRecords.TXT

    def _publish(self, due: Sequence[tuple[str, Step]]) -> dict[tuple[str, int], str]:
        """Send the records that steps call for, all in one go; what was not taken holds its slot."""
        if self._tools.publisher is None:
            # Somebody else publishes: the look at DNS shows whether it was done.
            return {}
        publish: list[Record] = []
        withdraw: list[Record] = []
        places: dict[str, tuple[str, int]] = {}
        for domain, step in due:
            moves = step.action in {Action.PUBLISH, Action.REVOKE, Action.DESTROY}
            if not moves or self._is_by_hand(domain):
                continue
            for key in self._keys(domain, step.slot):
                value = key.model_copy(update={"state": step.state}).record.render()
                name = dkim_target(self._inventory.settings, domain, key.selector)
                places[name] = (domain, step.slot)
                kind = withdraw if step.action is Action.DESTROY else publish
                kind.append(Record(name, "TXT", value, Zone.OPERATOR, "dkim"))
        sent = [(each, "published") for each in self._tools.publisher.publish(publish)] if publish else []
        if withdraw:
            sent += [(each, "withdrawn") for each in self._tools.publisher.withdraw(withdraw)]
        said: dict[tuple[str, int], str] = {}
        for result, word in sent:
            if result.ok:
                said[places[result.name]] = f"{word} by the primary"
            else:
                reason = result.message or result.status.value
                self._refuse(*places[result.name], f"{result.name} was not {word}: {reason}")
        return said

    def _prove(self, due: Sequence[tuple[str, Step]]) -> dict[tuple[str, int], str]:
        """Probe keys that sign now. Those that fail go back to those before, if these were right once."""
        asks, slots = [], {}
        for domain, step in due:
            customer = self._inventory.owner(domain)
            if step.action is Action.PROVE and customer is not None and customer.logins_for(domain):
                selectors = frozenset(key.selector for key in self._keys(domain, step.slot))
                asks.append(ProbeAsk(domain, customer.logins_for(domain)[0], selectors))
            if step.action is Action.PROVE:
                slots[domain] = step.slot
        if not slots:
            return {}
        probed: dict[str, list[Probed]] = {}
        for each in self._tools.probe(asks, self._inventory.group("backends")):
            probed.setdefault(each.domain, []).append(each)
        said: dict[tuple[str, int], str] = {}
        for domain, slot in slots.items():
            verdict, words = judge(probed.get(domain, ()))
            if verdict is Verdict.RIGHT:
                said[domain, slot] = words
                continue
            if verdict is Verdict.WRONG and self._may_go_back(domain):
                self.back[domain] = f"by itself, as those of slot {slot} failed: {words}"
                words += "; going back to the keys before"
            self._refuse(domain, slot, words)
        return said

    def _may_go_back(self, domain: str) -> bool:
        slots = slots_of(self._inventory.keys_of(domain))
        return any(slot.state is KeyState.RETIRING and slot.proven and not slot.leaked for slot in slots)

    def _refuse(self, domain: str, slot: int, message: str) -> None:
        self._refused.add((domain, slot))
        self.faults.append(Fault(domain, slot, message, self._tools.now()))

    def _generate(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], tuple[DkimKey, ...]]:
        """New keys in the inventory, several at a time: making one takes a core for long."""

        def make(place: tuple[str, int]) -> tuple[DkimKey, ...]:
            return generate(self._store, self._tools.make, *place, self._tools.now())

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(places, pool.map(make, places), strict=True))

    def _note(
        self,
        domain: str,
        steps: Sequence[Step],
        now: datetime,
        made: Mapping[tuple[str, int], tuple[DkimKey, ...]],
    ) -> tuple[DkimKey, ...]:
        """Write what steps lead to into a domain's key file; its keys then."""
        keys = self._inventory.keys_of(domain)
        slots = slots_of(keys)
        fresh: tuple[DkimKey, ...] = ()
        for step in steps:
            if step.action is Action.GENERATE:
                fresh = made[domain, step.slot]
            else:
                slots = after(slots, step, now)
        left = {slot.number: slot for slot in slots}
        if gone := [key.selector for key in keys if key.slot not in left]:
            self._store.remove_keys(domain, gone)
        kept = tuple(with_slot(key, left[key.slot]) for key in keys if key.slot in left)
        if any(key not in keys for key in kept):
            self._store.update_keys(kept)
        return (*kept, *fresh)
