"""No key signs before the world verifies it, no record goes before mail signed with it has had its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import (
    COMING,
    Action,
    Dns,
    On,
    Plan,
    Policy,
    Seen,
    Slot,
    Step,
    Wish,
    after,
)
from provisioner.core.rotation import decide, forecast, looks

START = datetime(2026, 1, 1, tzinfo=UTC)
TTL = timedelta(hours=1)
POLICY = Policy()
ALL = {"be1": True, "be2": True}


def slot(number: int, state: KeyState, **more: object) -> Slot:
    return replace(Slot(number, state, START, proven=START), **more)  # type: ignore[arg-type]


def steps(plan: Plan) -> list[tuple[int, Action]]:
    return [(step.slot, step.action) for step in plan.steps]


def test_a_whole_life_when_all_goes_well() -> None:
    now, seen = START, Seen(Dns.EXACT, TTL, ALL)
    slots: tuple[Slot, ...] = (Slot(1, KeyState.ACTIVE, START, proven=START),)
    said: list[Action] = []
    wish = Wish.ROTATE
    for _ in range(400):
        plan = decide(slots, {each.number: seen for each in slots}, POLICY, now, wish)
        wish = Wish.NOTHING
        for step in plan.steps:
            said.append(step.action)
            slots = after(slots, step, now)
        if not plan.steps:
            now += timedelta(hours=1)
        if not plan.waits and not plan.steps:
            break
        if now > START + timedelta(days=20):
            break
    assert said == [
        *(Action.GENERATE, Action.DISTRIBUTE, Action.ACKNOWLEDGE, Action.PUBLISH, Action.NOTE_AGREEMENT),
        *(Action.ACTIVATE, Action.NOTE_STOPPED, Action.PROVE, Action.REVOKE),
        *(Action.NOTE_AGREEMENT, Action.DESTROY),
    ]
    assert [(each.number, each.state) for each in slots] == [(2, KeyState.ACTIVE)]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (Seen(Dns.DOUBT, TTL, ALL), "DNS: a server does not answer"),
        (Seen(Dns.DIFFERENT, TTL, ALL), "DNS: a server has something else"),
        (Seen(Dns.EXACT, TTL, {"be1": True, "be2": None}), "signers that have not shown these keys: be2"),
        (
            Seen(Dns.EXACT, TTL, {"be1": False, "be2": None}),
            "signers that have not shown these keys: be1, be2; something else lies at be1: "
            "'provisioner dkim check' says what",
        ),
        (Seen(Dns.EXACT, TTL, {}), "signers that have not shown these keys: all"),
    ],
)
def test_doubt_holds(seen: Seen, said: str) -> None:
    waiting = [slot(1, KeyState.ACTIVE), slot(2, KeyState.VERIFIED)]
    plan = decide(waiting, {2: seen}, POLICY, START)
    assert steps(plan) == []
    assert [wait.reason for wait in plan.waits] == [said]


def test_a_doubt_after_the_first_look_begins_anew() -> None:
    waiting = [slot(2, KeyState.VERIFIED, agreed=START)]
    for dns in (Dns.DOUBT, Dns.DIFFERENT):
        plan = decide(waiting, {2: Seen(dns, TTL, ALL)}, POLICY, START + 2 * TTL)
        assert steps(plan) == [(2, Action.FORGET_AGREEMENT)]


def test_the_second_look_waits_for_the_time_to_live() -> None:
    waiting = [slot(2, KeyState.VERIFIED, agreed=START)]
    seen = {2: Seen(Dns.EXACT, TTL, ALL)}
    early = decide(waiting, seen, POLICY, START + TTL - timedelta(seconds=1))
    assert (steps(early), early.waits[0].until) == ([], START + TTL)
    assert steps(decide(waiting, seen, POLICY, START + TTL)) == [(2, Action.ACTIVATE)]
    set_back = decide(waiting, seen, POLICY, START - timedelta(seconds=1))
    assert steps(set_back) == [(2, Action.NOTE_AGREEMENT)]


def test_retirement_lasts_until_the_last_signed_mail_has_had_its_time() -> None:
    seen = {1: Seen(Dns.EXACT, TTL, ALL)}
    old = slot(1, KeyState.RETIRING, signed=START)
    slots = [slot(2, KeyState.ACTIVE), old]
    assert steps(decide(slots, seen, POLICY, START + timedelta(days=14, seconds=-1))) == []
    assert steps(decide(slots, seen, POLICY, START + timedelta(days=14))) == [(1, Action.REVOKE)]
    unsure = [slots[0], replace(old, signed=None)]
    assert steps(decide(unsure, seen, POLICY, START + timedelta(days=99))) == [(1, Action.NOTE_STOPPED)]
    away = {1: Seen(Dns.EXACT, TTL, {"be1": True, "be2": None})}
    assert "one may still sign" in decide(unsure, away, POLICY, START + timedelta(days=99)).waits[0].reason
    late = replace(old, signed=START + timedelta(days=13))
    due = START + timedelta(days=13 + 14)
    assert steps(decide([slots[0], late], seen, POLICY, due - timedelta(seconds=1))) == []
    assert steps(decide([slots[0], late], seen, POLICY, due)) == [(1, Action.REVOKE)]
    long = replace(POLICY, queue=timedelta(days=30))
    due = START + timedelta(days=30 + 1) + TTL
    assert steps(decide(slots, seen, long, due - timedelta(seconds=1))) == []
    assert steps(decide(slots, seen, long, due)) == [(1, Action.REVOKE)]


def test_keys_grow_old() -> None:
    active = [slot(1, KeyState.ACTIVE)]
    assert steps(decide(active, {}, POLICY, START + timedelta(days=179))) == []
    assert steps(decide(active, {}, POLICY, START + timedelta(days=180))) == [(2, Action.GENERATE)]
    assert steps(decide(active, {}, replace(POLICY, age=None), START + timedelta(days=9999))) == []
    assert steps(decide([], {}, POLICY, START)) == [(1, Action.GENERATE)]


@pytest.mark.parametrize("wish", [Wish.ROTATE, Wish.EMERGENCY])
def test_until_new_keys_are_proven_whoever_asks_again_asks_for_them(wish: Wish) -> None:
    old = slot(1, KeyState.RETIRING, signed=START, leaked=wish is Wish.EMERGENCY)
    new = slot(2, KeyState.ACTIVE, proven=None)
    plan = decide([old, new], {2: Seen(Dns.DOUBT, TTL, ALL)}, POLICY, START, wish)
    assert steps(plan) == [(2, Action.PROVE)]
    assert plan.waits[-1].reason.startswith("under way: these took over")
    late = START + timedelta(days=999)
    assert (2, Action.GENERATE) not in steps(decide([new], {}, POLICY, late))


def test_keys_that_leak_before_they_are_proven_are_replaced_all_the_same() -> None:
    for others in ([], [slot(1, KeyState.RETIRING)], [slot(1, KeyState.REVOKED, leaked=True)]):
        slots = [*others, slot(2, KeyState.ACTIVE, proven=None)]
        seen = {2: Seen(Dns.DOUBT, TTL, ALL)}
        found = steps(decide(slots, seen, POLICY, START, Wish.EMERGENCY))
        assert [action for number, action in found if number == 2] == [Action.MARK_LEAKED]
        assert Action.GENERATE in [action for _, action in found]
    leaked = replace(slots[-1], leaked=True)
    assert steps(decide([leaked], seen, POLICY, START)) == [(1, Action.GENERATE)]


def test_one_slot_is_kept_for_an_emergency() -> None:
    slots = [slot(1, KeyState.RETIRING), slot(2, KeyState.ACTIVE)]
    plan = decide(slots, {}, POLICY, START + timedelta(days=1), Wish.ROTATE)
    assert steps(plan) == []
    assert "the last slot is kept for an emergency" in plan.waits[-1].reason
    urgent = decide(slots, {}, POLICY, START + timedelta(days=1), Wish.EMERGENCY)
    assert steps(urgent) == [(2, Action.MARK_LEAKED), (3, Action.GENERATE)]
    full = [*slots, slot(3, KeyState.RETIRING)]
    assert "every slot is taken" in decide(full, {}, POLICY, START, Wish.EMERGENCY).waits[-1].reason


def test_an_emergency_skips_no_proof_and_then_revokes_at_once() -> None:
    leaked = slot(1, KeyState.ACTIVE, leaked=True)
    coming = slot(2, KeyState.VERIFIED, agreed=START)
    assert steps(decide([leaked, coming], {2: Seen(Dns.DOUBT, TTL, ALL)}, POLICY, START + TTL)) == [
        (2, Action.FORGET_AGREEMENT)
    ]
    gone, seen = replace(leaked, state=KeyState.RETIRING), {1: Seen(Dns.DOUBT, TTL, ALL)}
    assert steps(decide([gone, slot(2, KeyState.ACTIVE)], seen, POLICY, START)) == [(1, Action.NOTE_STOPPED)]
    gone = replace(gone, signed=START)
    assert steps(decide([gone, slot(2, KeyState.ACTIVE)], {}, POLICY, START)) == [(1, Action.REVOKE)]


def test_leaked_keys_stay_in_dns_while_a_signer_may_use_them_or_others_are_not_proven() -> None:
    leaked = slot(1, KeyState.RETIRING, leaked=True)
    away = {1: Seen(Dns.DOUBT, TTL, {"be1": True, "be2": None})}
    late = START + timedelta(days=99)
    plan = decide([leaked, slot(2, KeyState.ACTIVE)], away, POLICY, late)
    assert (steps(plan), plan.waits[0].on) == ([], On.SIGNERS)
    assert "be2; one may still sign with the old ones" in plan.waits[0].reason
    stopped = replace(leaked, signed=START)
    new = slot(2, KeyState.ACTIVE, proven=None)
    plan = decide([stopped, new], {2: Seen(Dns.DOUBT, TTL, ALL)}, POLICY, late)
    assert steps(plan) == [(2, Action.PROVE)]
    assert (plan.waits[0].on, "leaked, but kept in DNS until a probe" in plan.waits[0].reason) == (
        On.PROOF,
        True,
    )


def test_back_to_keys_that_retire() -> None:
    slots = [slot(1, KeyState.RETIRING), slot(2, KeyState.ACTIVE)]
    seen = Seen(Dns.EXACT, TTL, ALL)
    plan = decide(slots, {1: seen}, POLICY, START, Wish.ROLLBACK)
    assert plan.steps == (Step(1, Action.ACTIVATE, KeyState.ACTIVE, retires=2),)
    for doubt in (replace(seen, dns=Dns.DOUBT), replace(seen, signers={"be1": None})):
        assert steps(decide(slots, {1: doubt}, POLICY, START, Wish.ROLLBACK)) == []
    leaked = [replace(slots[0], leaked=True), slots[1]]
    assert steps(decide(leaked, {1: seen}, POLICY, START, Wish.ROLLBACK)) == []
    assert steps(decide(slots[1:], {}, POLICY, START, Wish.ROLLBACK)) == []


def test_keys_that_sign_are_proven_and_until_then_those_before_are_kept() -> None:
    seen = {number: Seen(Dns.EXACT, TTL, ALL) for number in (1, 2)}
    old, new = slot(1, KeyState.RETIRING, signed=START), slot(2, KeyState.ACTIVE, proven=None)
    late = START + timedelta(days=99)
    plan = decide([old, new], seen, POLICY, late)
    assert steps(plan) == [(2, Action.PROVE)]
    assert plan.waits[0].reason.startswith("kept to go back to")
    away = {2: Seen(Dns.EXACT, TTL, {"be1": True, "be2": None})}
    assert "no probe is possible" in decide([old, new], away, POLICY, late).waits[-1].reason


def test_what_somebody_gives_up() -> None:
    for state in COMING:
        dropped = [slot(1, KeyState.ACTIVE), slot(2, state)]
        assert steps(decide(dropped, {}, POLICY, START, Wish.REVOKE, 2)) == [(2, Action.MARK_LEAKED)]
        dropped[1] = replace(dropped[1], leaked=True)
        assert steps(decide(dropped, {}, POLICY, START)) == [(2, Action.REVOKE)]
        assert steps(decide(dropped, {}, POLICY, START, Wish.REVOKE, 2)) == []
    plan = decide([slot(1, KeyState.ACTIVE)], {}, POLICY, START, Wish.REVOKE, 1)
    assert (steps(plan), plan.waits[0].reason) == ([], "these keys sign: others have to take over first")
    assert decide([slot(1, KeyState.ACTIVE)], {}, POLICY, START, Wish.REVOKE, 3) == Plan((), ())


def test_revoked_keys_are_destroyed_once_no_server_has_had_them_for_a_time_to_live() -> None:
    late = START + timedelta(days=99)
    revoked = slot(1, KeyState.REVOKED, leaked=True)
    there = Seen(Dns.DIFFERENT, TTL, ALL, "s1 is still there (ns1)", On.CUSTOMER)
    for seen in (there, Seen(Dns.DOUBT, TTL, ALL)):
        plan = decide([slot(2, KeyState.ACTIVE), revoked], {1: seen}, POLICY, late)
        assert (steps(plan), plan.waits[0].on, plan.waits[0].until) == ([], seen.on, None)
    gone = {1: Seen(Dns.EXACT, TTL, ALL)}
    assert steps(decide([revoked], gone, POLICY, late))[0] == (1, Action.NOTE_AGREEMENT)
    noted = [slot(2, KeyState.ACTIVE), replace(revoked, agreed=late)]
    assert steps(decide(noted, gone, POLICY, late + TTL - timedelta(seconds=1))) == []
    assert steps(decide(noted, {1: there}, POLICY, late + TTL)) == [(1, Action.FORGET_AGREEMENT)]
    assert steps(decide(noted, gone, POLICY, late + TTL)) == [(1, Action.DESTROY)]


def test_revoked_keys_are_not_destroyed_while_a_signer_may_hold_them() -> None:
    revoked = slot(1, KeyState.REVOKED, leaked=True, agreed=START)
    away = {1: Seen(Dns.EXACT, TTL, {"be1": True, "be2": None})}
    plan = decide([slot(2, KeyState.ACTIVE), revoked], away, POLICY, START + TTL)
    assert (steps(plan), plan.waits[0].on) == ([], On.SIGNERS)
    assert plan.waits[0].reason == "signers that may still hold the private keys: be2"


def test_dns_is_asked_about_what_hangs_on_it() -> None:
    slots = [slot(1, KeyState.RETIRING), slot(2, KeyState.ACTIVE), slot(3, KeyState.VERIFIED)]
    assert looks(slots, POLICY, START) == (3,)
    assert looks(slots, POLICY, START, Wish.ROLLBACK) == (1, 3)
    assert looks([slot(1, KeyState.REVOKED), slot(2, KeyState.PUBLISHED)], POLICY, START) == (1,)
    alone = [slot(2, KeyState.ACTIVE)]
    assert looks(alone, POLICY, START) == ()
    assert looks(alone, POLICY, START + timedelta(days=180)) == (1,)
    assert looks(alone, POLICY, START, Wish.ROTATE) == (1,)
    assert looks(alone, POLICY, START, Wish.ROLLBACK) == ()
    assert looks([], POLICY, START) == (1,)


@pytest.mark.parametrize("wish", [Wish.ROTATE, Wish.EMERGENCY])
def test_no_keys_are_made_for_names_that_lead_to_somebody_else(wish: Wish) -> None:
    away = Seen(Dns.ELSEWHERE, TTL, ALL, "s2 → other.example", On.CUSTOMER)
    plan = decide([slot(1, KeyState.ACTIVE)], {2: away}, POLICY, START, wish)
    assert Action.GENERATE not in [step.action for step in plan.steps]
    (wait,) = plan.waits
    assert (wait.slot, wait.reason, wait.on, wait.until) == (2, "DNS: s2 → other.example", On.CUSTOMER, None)


def test_what_was_just_published_may_be_on_its_way_but_not_elsewhere() -> None:
    coming = slot(2, KeyState.VERIFIED)
    for dns, until in ((Dns.DIFFERENT, START + TTL), (Dns.ELSEWHERE, None)):
        plan = decide([slot(1, KeyState.ACTIVE), coming], {2: Seen(dns, TTL, ALL)}, POLICY, START)
        assert [wait.until for wait in plan.waits] == [until]


def test_what_lies_ahead() -> None:
    ahead = forecast((slot(1, KeyState.ACTIVE),), ["be1", "be2"], TTL, POLICY, START, Wish.ROTATE)
    assert [(each.step.slot, each.step.action, each.at - START) for each in ahead if each.at > START] == [
        (2, Action.ACTIVATE, TTL),
        (1, Action.NOTE_STOPPED, TTL),
        (2, Action.PROVE, TTL),
        (1, Action.REVOKE, TTL + timedelta(days=14)),
        (1, Action.NOTE_AGREEMENT, TTL + timedelta(days=14)),
        (1, Action.DESTROY, 2 * TTL + timedelta(days=14)),
    ]
    assert forecast((slot(1, KeyState.ACTIVE),), ["be1"], TTL, POLICY, START) == ()
