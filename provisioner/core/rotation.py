"""The life of a domain's DKIM keys: what may happen next, decided from what was seen. Pure.

`decide` gives the steps that are due now and what everything else waits for; whoever carries a step out notes
the state that it leads to, and asks again. Doubt holds a slot where it is: only what was seen for certain
moves it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import (
    COMING,
    HELD,
    LEAVING,
    Action,
    Dns,
    On,
    Plan,
    Policy,
    Seen,
    Slot,
    Step,
    Use,
    Wait,
    Wish,
    after,
)
from provisioner.core.records import SLOTS
from provisioner.core.slot_steps import farewell, step_of


def decide(
    slots: Sequence[Slot],
    seen: Mapping[int, Seen],
    policy: Policy,
    now: datetime,
    wish: Wish = Wish.NOTHING,
    target: int | None = None,
) -> Plan:
    """The steps that are due for one domain, and what each slot that stays waits for.

    slots: those in use, at most one active. seen: by slot; a slot that was not looked at counts as doubt.
    target: the slot that a wish to revoke is about.
    """
    if policy.use is Use.NOBODYS:
        leaked = _given_up(slots, wish, target)
        return _plan(
            Step(slot.number, Action.MARK_LEAKED, slot.state)
            if slot.number in leaked
            else farewell(slot, seen.get(slot.number, Seen()), policy, now)
            for slot in slots
        )
    active = _active(slots)
    if wish is Wish.ROLLBACK:
        return rollback(slots, seen, active)
    if wish is Wish.REVOKE:
        return _revoke(slots, target, policy)
    leaks = active is not None and _leaks(slots, active, wish)
    back = _come_back(slots, seen, active, policy)
    found = [
        Step(slot.number, Action.MARK_LEAKED, slot.state)
        if leaks and slot is active
        else back
        if back is not None and back.slot == slot.number
        else step_of(slot, seen.get(slot.number, Seen()), active, policy, now)
        for slot in slots
    ]
    found.append(None if back is not None else _new(slots, seen, policy, now, wish))
    if policy.use is Use.IDLE and wish is Wish.ROTATE:
        number = active.number if active is not None else SLOTS[0]
        found.append(Wait(number, f"no new keys: {policy.use.value}", On.CUSTOMER))
    return _plan(found)


def _plan(found: Iterable[Step | Wait | None]) -> Plan:
    every = tuple(found)
    return Plan(
        tuple(each for each in every if isinstance(each, Step)),
        tuple(each for each in every if isinstance(each, Wait)),
    )


def looks(slots: Sequence[Slot], policy: Policy, now: datetime, wish: Wish = Wish.NOTHING) -> tuple[int, ...]:
    """The slots that `decide` wants to know from DNS: of keys that hang on it, and of those to be made."""
    wanted = {KeyState.VERIFIED, KeyState.REVOKED}
    if wish is Wish.ROLLBACK or (_active(slots) is None and policy.use is Use.SIGNS):
        wanted |= {KeyState.RETIRING}
    found = [slot.number for slot in slots if slot.state in wanted]
    makes = wish not in {Wish.ROLLBACK, Wish.REVOKE}
    new = _new(slots, {}, policy, now, wish) if makes else None
    return (*found, new.slot) if isinstance(new, Step) else tuple(found)


def _active(slots: Sequence[Slot]) -> Slot | None:
    return next((slot for slot in slots if slot.state is KeyState.ACTIVE), None)


def _given_up(slots: Sequence[Slot], wish: Wish, target: int | None) -> set[int]:
    """The slots of a domain without a customer that somebody wants gone at once."""
    meant = (
        {target}
        if wish is Wish.REVOKE
        else {slot.number for slot in slots}
        if wish is Wish.EMERGENCY
        else set()
    )
    return {slot.number for slot in slots if slot.number in meant and not slot.leaked and slot.state in HELD}


def _come_back(
    slots: Sequence[Slot], seen: Mapping[int, Seen], active: Slot | None, policy: Policy
) -> Step | None:
    """Back to keys that signed before, of a domain that has a customer again while they retire."""
    if active is not None or policy.use is not Use.SIGNS:
        return None
    steps = rollback(slots, seen, None).steps
    return steps[0] if steps else None


def _leaks(slots: Sequence[Slot], active: Slot, wish: Wish) -> bool:
    """Whether it is the keys that sign that an emergency is about.

    It is not when they are what it led to: they replace leaked ones, and their proof is still to come.
    """
    replace_leaked = any(slot.leaked and slot.state is KeyState.RETIRING for slot in slots)
    return wish is Wish.EMERGENCY and not active.leaked and not (active.proven is None and replace_leaked)


def _new(
    slots: Sequence[Slot], seen: Mapping[int, Seen], policy: Policy, now: datetime, wish: Wish
) -> Step | Wait | None:
    """New keys, when they are due or wished for and there is room, under names that can lead to them."""
    active = _active(slots)
    under_way = any(slot.state in COMING and not slot.leaked for slot in slots)
    if under_way or policy.use is not Use.SIGNS:
        return None
    urgent = active is not None and (active.leaked or _leaks(slots, active, wish))
    wished = wish in {Wish.ROTATE, Wish.EMERGENCY}
    if active is not None and active.proven is None and not urgent:
        # A rotation ends with the proof; until then it is the one that somebody asks for again.
        said = "under way: these took over, and are to be proven before others come"
        return Wait(active.number, said, On.PROOF) if wished else None
    aged = active is not None and policy.age is not None and now >= active.since + policy.age
    if not (aged or urgent or wished or active is None):
        return None
    free = [number for number in SLOTS if number not in {slot.number for slot in slots}]
    # The last one is kept for keys that leak while others retire.
    if len(free) > (0 if urgent or active is None else 1):
        ahead = seen.get(free[0], Seen())
        if ahead.dns is Dns.ELSEWHERE:
            return Wait(free[0], ahead.doubt, ahead.on)
        return Step(free[0], Action.GENERATE, KeyState.GENERATED)
    oldest = min(slots, key=lambda slot: (slot.state not in LEAVING, slot.since))
    kept = "the last slot is kept for an emergency" if free else "every slot is taken"
    return Wait(oldest.number, f"no new keys until these are destroyed: {kept}", On.ROOM)


def rollback(slots: Sequence[Slot], seen: Mapping[int, Seen], active: Slot | None) -> Plan:
    """Back to the newest keys that still retire: they are on every signer and in DNS.

    Where none sign at present, to those that were proven once.
    """
    retiring = [
        slot
        for slot in slots
        if slot.state is KeyState.RETIRING and not slot.leaked and (active is not None or slot.proven)
    ]
    if not retiring:
        said = "there are no retiring keys to go back to"
        return Plan((), (Wait(active.number if active else 0, said, On.ROOM),))
    back = max(retiring, key=lambda slot: slot.since)
    found = seen.get(back.number, Seen())
    if found.lacking or found.doubt:
        on = On.SIGNERS if found.lacking else found.on
        return Plan((), (Wait(back.number, found.lacking or found.doubt, on),))
    retires = active.number if active is not None else None
    return Plan((Step(back.number, Action.ACTIVATE, KeyState.ACTIVE, retires, found.said),), ())


def _revoke(slots: Sequence[Slot], target: int | None, policy: Policy) -> Plan:
    """What one slot needs to be done with; keys that sign need others in their place first."""
    slot = next((slot for slot in slots if slot.number == target), None)
    if slot is not None and slot.state is KeyState.ACTIVE and policy.use is Use.SIGNS:
        return Plan((), (Wait(slot.number, "these keys sign: others have to take over first", On.ROOM),))
    if slot is None or slot.leaked or slot.state is KeyState.REVOKED:
        return Plan((), ())
    return Plan((Step(slot.number, Action.MARK_LEAKED, slot.state),), ())


@dataclass(frozen=True)
class Ahead:
    """A step that lies ahead, and when it comes if all goes well."""

    at: datetime
    step: Step


def forecast(
    slots: Sequence[Slot],
    signers: Sequence[str],
    ttl: timedelta,
    policy: Policy,
    now: datetime,
    wish: Wish = Wish.NOTHING,
    target: int | None = None,
) -> tuple[Ahead, ...]:
    """The steps from now until nothing is under way, were every answer the right one from now on."""
    right = Seen(Dns.EXACT, ttl, dict.fromkeys(signers, True))
    found: list[Ahead] = []
    coming = tuple(slots)
    while len(found) < 3 * len(Action):
        plan = decide(coming, {slot.number: right for slot in coming}, policy, now, wish, target)
        wish = Wish.NOTHING
        for step in plan.steps:
            found.append(Ahead(now, step))
            coming = after(coming, step, now)
        ends = [wait.until for wait in plan.waits if wait.until is not None]
        if not plan.steps and not ends:
            break
        if not plan.steps:
            now = max(now, min(ends))
    return tuple(found)
