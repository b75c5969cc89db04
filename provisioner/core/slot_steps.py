"""What may happen next to one slot of keys. Pure; `rotation` decides for all slots of a domain together."""

from __future__ import annotations

from datetime import datetime

from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import COMING, Action, Dns, On, Policy, Seen, Slot, Step, Use, Wait


def step_of(slot: Slot, seen: Seen, active: Slot | None, policy: Policy, now: datetime) -> Step | Wait | None:
    """The step that is due for a slot, or what it waits for; None when nothing is under way."""
    if slot.state in COMING and slot.leaked:
        # Their records may be out already, at a customer that publishes by hand from the first hour.
        return Step(slot.number, Action.REVOKE, KeyState.REVOKED, seen="never signed with")
    if slot.state in COMING:
        # Without an account that may use them they are on no signer.
        return _coming(slot, seen, active, now) if policy.use is Use.SIGNS else None
    return _used(slot, seen, active, policy, now)


def farewell(slot: Slot, seen: Seen, policy: Policy, now: datetime) -> Step | Wait | None:
    """The next step of keys whose domain is nobody's any more: they go, once their mail has had its time."""
    if slot.state in COMING:
        return Step(slot.number, Action.REVOKE, KeyState.REVOKED, seen=policy.use.value)
    if slot.state is KeyState.ACTIVE:
        return Step(slot.number, Action.RETIRE, KeyState.RETIRING, seen=policy.use.value)
    return _used(slot, seen, None, policy, now)


def _coming(slot: Slot, seen: Seen, active: Slot | None, now: datetime) -> Step | Wait:
    """The next step of keys that do not sign yet."""
    if slot.state is KeyState.GENERATED:
        return Step(slot.number, Action.DISTRIBUTE, KeyState.DISTRIBUTED)
    if seen.lacking:
        return Wait(slot.number, seen.lacking, On.SIGNERS)
    if slot.state is KeyState.DISTRIBUTED:
        return Step(slot.number, Action.ACKNOWLEDGE, KeyState.PUBLISHED, seen=_holders(seen))
    if slot.state is KeyState.PUBLISHED:
        return Step(slot.number, Action.PUBLISH, KeyState.VERIFIED)
    if (left := _two_looks(slot, seen, now)) is not None:
        return left
    retires = active.number if active is not None else None
    said = "; ".join(filter(None, (seen.said, _holders(seen))))
    return Step(slot.number, Action.ACTIVATE, KeyState.ACTIVE, retires, said)


def _two_looks(slot: Slot, seen: Seen, now: datetime) -> Step | Wait | None:
    """What two looks lack, a time to live apart and without a doubt between them; None: they agree."""
    if seen.dns is not Dns.EXACT and slot.agreed is None:
        # What was published a moment ago is still on its way to the secondaries. What leads elsewhere is not.
        grace = slot.since + seen.ttl
        comes = now < grace and seen.dns is not Dns.ELSEWHERE
        return Wait(slot.number, seen.doubt, seen.on, grace if comes else None)
    if seen.dns is not Dns.EXACT:
        return Step(slot.number, Action.FORGET_AGREEMENT, slot.state, seen=seen.doubt)
    # A clock that was set back makes the first look one of the future: that is no proof of anything.
    if slot.agreed is None or slot.agreed > now:
        return Step(slot.number, Action.NOTE_AGREEMENT, slot.state, seen=seen.said)
    due = slot.agreed + seen.ttl
    if now < due:
        return Wait(slot.number, "what resolvers may still believe: a second look", On.TIME, due)
    return None


def _holders(seen: Seen) -> str:
    return f"held by {', '.join(sorted(seen.signers))}"


def _used(slot: Slot, seen: Seen, active: Slot | None, policy: Policy, now: datetime) -> Step | Wait | None:
    """The next step of keys that sign, or have signed."""
    match slot.state:
        case KeyState.ACTIVE:
            return _signing(slot, seen, policy)
        case KeyState.RETIRING:
            return _retiring(slot, seen, active, policy, now)
        case KeyState.REVOKED:
            return _revoked(slot, seen, now)
        case _:
            return None


def _signing(slot: Slot, seen: Seen, policy: Policy) -> Step | Wait | None:
    """What keys that sign still lack; leaked ones wait for others, unless nobody signs with them."""
    if slot.leaked:
        retire = Step(slot.number, Action.RETIRE, KeyState.RETIRING, seen=policy.use.value)
        return retire if policy.use is Use.IDLE else None
    if slot.proven is not None or policy.use is not Use.SIGNS:
        return None
    if seen.lacking:
        return Wait(slot.number, f"{seen.lacking}; no probe is possible", On.SIGNERS)
    return Step(slot.number, Action.PROVE, KeyState.ACTIVE)


def _retiring(
    slot: Slot, seen: Seen, active: Slot | None, policy: Policy, now: datetime
) -> Step | Wait | None:
    """Mail signed with it has its time: a queue's, the way's, a record's in resolvers; if it leaked, none.

    Whatever happened, every signer has to have stopped, and those that took over to be proven.
    """
    if slot.signed is None:
        if seen.lacking:
            return Wait(slot.number, f"{seen.lacking}; one may still sign with the old ones", On.SIGNERS)
        return Step(slot.number, Action.NOTE_STOPPED, KeyState.RETIRING, seen=_holders(seen))
    stopped = f"no signer has used them since {slot.signed.isoformat()}"
    due = slot.signed + policy.retirement(seen.ttl)
    if now < due and not slot.leaked:
        return Wait(slot.number, "mail signed with these keys may still be on its way", On.TIME, due)
    if active is not None and active.proven is None and policy.use is Use.IDLE:
        if not slot.leaked:
            return None  # kept to go back to, once somebody signs again
    elif active is not None and active.proven is None:
        kept = "leaked, but kept in DNS" if slot.leaked else "kept to go back to"
        return Wait(slot.number, f"{kept} until a probe has proven those that sign now", On.PROOF)
    said = f"at once, as they have leaked: {stopped}" if slot.leaked else stopped
    return Step(slot.number, Action.REVOKE, KeyState.REVOKED, seen=said)


def _revoked(slot: Slot, seen: Seen, now: datetime) -> Step | Wait:
    """Gone is what is gone everywhere: from every server, and from every signer, which has no use for it."""
    if (left := _two_looks(slot, seen, now)) is not None:
        return left
    if seen.away:
        said = f"signers that may still hold the private keys: {seen.away}"
        return Wait(slot.number, said, On.SIGNERS)
    said = f"{seen.said}; no longer on {', '.join(sorted(seen.signers))}"
    return Step(slot.number, Action.DESTROY, KeyState.DESTROYED, seen=said)
