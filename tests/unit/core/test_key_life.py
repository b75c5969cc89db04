"""Whatever happens, in whatever order: no mail is signed with a key that the world does not have."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from provisioner.core.dkim import KeyState
from provisioner.core.key_slots import (
    COMING,
    HELD,
    Action,
    Dns,
    Seen,
    Slot,
    Step,
    Use,
    Wish,
    after,
)
from provisioner.core.rotation import decide
from tests.unit.core.test_rotation import ALL, POLICY, START, TTL


class Life(RuleBasedStateMachine):
    """A domain's keys under any order of answers, absences, crashes, wishes and clock steps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START  # what the clock says; it may be set
        self.real = START  # what passes
        self.jumped = timedelta()  # how much more the clock says has passed: no tool can see through that
        self.slots: tuple[Slot, ...] = ()
        self.use = Use.SIGNS
        self.left = False  # whether nobody was ever to sign
        self.dns: dict[int, Dns] = {}
        self.exact_since: dict[int, datetime] = {}  # real: DNS is as it ought to since then, whenever looked
        self.signers: dict[str, bool | None] = dict(ALL)
        self.uses: dict[
            str, int
        ] = {}  # what each signs with, mail after mail, whether it can be reached or not
        self.holds: dict[str, set[int]] = {host: set() for host in ALL}  # the private keys on each
        self.last: dict[int, datetime] = {}  # real: when the last mail was signed with a slot

    def seen(self) -> dict[int, Seen]:
        return {n: Seen(self.dns.get(n, Dns.DIFFERENT), TTL, self.signers) for n in (1, 2, 3)}

    @rule(hours=st.integers(0, 24 * 30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.real += timedelta(hours=hours)
        self.mail_goes_out()

    def mail_goes_out(self) -> None:
        for number in self.uses.values():
            self.last[number] = self.real

    @rule(hours=st.integers(1, 48))
    def the_clock_is_set_back(self, hours: int) -> None:
        self.now -= timedelta(hours=hours)

    @rule(hours=st.integers(1, 24 * 30))
    def the_clock_is_set_forward(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.jumped += timedelta(hours=hours)

    @rule(number=st.sampled_from((1, 2, 3)), dns=st.sampled_from(Dns))
    def dns_says(self, number: int, dns: Dns) -> None:
        self.dns[number] = dns

    @rule(host=st.sampled_from(sorted(ALL)), holds=st.sampled_from((True, True, False, None)))
    def a_signer_says(self, host: str, holds: bool | None) -> None:
        self.signers[host] = holds

    @rule(use=st.sampled_from((Use.SIGNS, *Use)))
    def customers_and_accounts_come_and_go(self, use: Use) -> None:
        self.use = use
        self.left |= use is not Use.SIGNS

    @rule(
        wish=st.sampled_from(Wish),
        number=st.integers(1, 3),
        days=st.integers(0, 20),
        away=st.sampled_from((*ALL, None, None)),
        leaves=st.integers(0, 2),
        probes_verify=st.booleans(),
    )
    def it_runs_for_days(
        self, wish: Wish, number: int, days: int, away: str | None, leaves: int, probes_verify: bool
    ) -> None:
        """So that late states are come by: all DNS is right, and perhaps one signer leaves, soon or now."""
        for round_ in range(10):
            self.signers = ALL | ({away: None} if away is not None and round_ >= leaves else {})
            self.dns = dict.fromkeys((1, 2, 3), Dns.EXACT)
            self.the_tool_runs(wish, done=9, number=number, probes_verify=probes_verify)
            self.time_passes(24 * days // 10)
            wish = Wish.NOTHING

    @rule(
        wish=st.sampled_from((Wish.NOTHING, Wish.NOTHING, *Wish)),
        done=st.integers(0, 4),
        number=st.integers(1, 3),
        probes_verify=st.booleans(),
    )
    def the_tool_runs(self, wish: Wish, done: int, number: int, probes_verify: bool) -> None:
        """It may be killed after any step: what was done and not noted is done again by the next run."""
        self.push()
        seen = self.seen()
        plan = decide(self.slots, seen, replace(POLICY, use=self.use), self.now, wish, number)
        for step in plan.steps[:done]:
            self.check(step, seen)
            if step.action is Action.PROVE and not probes_verify:
                continue
            self.slots = after(self.slots, step, self.now)
            if step.action is Action.NOTE_AGREEMENT:
                self.exact_since[step.slot] = self.real
            elif step.action in {Action.FORGET_AGREEMENT, Action.REVOKE, Action.DESTROY}:
                # Of a revoked one it is from here on its absence that DNS has.
                self.exact_since.pop(step.slot, None)
                self.dns.pop(step.slot, None)

    def push(self) -> None:
        """Whoever can be reached has what the inventory says; the others go on with what they have."""
        self.mail_goes_out()
        held = {each.number for each in self.slots if each.state in HELD} if self.use is Use.SIGNS else set()
        self.holds |= {host: set(held) for host, holds in self.signers.items() if holds}
        self.uses = {host: number for host, number in self.uses.items() if not self.signers.get(host)}
        for active in (each for each in self.slots if each.state is KeyState.ACTIVE):
            if self.use is Use.SIGNS:
                self.uses |= {host: active.number for host, holds in self.signers.items() if holds}

    def check(self, step: Step, seen: dict[int, Seen]) -> None:
        mine = next((each for each in self.slots if each.number == step.slot), None)
        if step.action is Action.GENERATE:
            assert mine is None
            assert self.use is Use.SIGNS
            assert seen[step.slot].dns is not Dns.ELSEWHERE
            self.last.pop(step.slot, None)
            signing = [each for each in self.slots if each.state is KeyState.ACTIVE]
            assert all(each.proven or each.leaked for each in signing)
            return
        assert mine is not None
        if step.action in {Action.ACTIVATE, Action.DESTROY}:
            assert seen[step.slot].dns is Dns.EXACT
        if step.action is Action.ACTIVATE:
            assert all(self.signers.values())
        if step.action is Action.RETIRE:
            assert self.use is Use.NOBODYS or (self.use is Use.IDLE and mine.leaked)
        if step.action is Action.DESTROY:
            assert mine.state is KeyState.REVOKED
            assert not any(step.slot in held for held in self.holds.values())
        if step.action is Action.DESTROY or (step.action is Action.ACTIVATE and mine.proven is None):
            assert self.real - self.exact_since[step.slot] + self.jumped >= TTL
        if step.action is Action.REVOKE and mine.state is KeyState.RETIRING:
            assert step.slot not in self.uses.values()
            signing = [each for each in self.slots if each.state is KeyState.ACTIVE]
            nobody_signs = self.use is Use.NOBODYS or (self.use is Use.IDLE and mine.leaked)
            assert nobody_signs or all(each.proven for each in signing)
            quiet = self.real - self.last.get(step.slot, START - timedelta(days=99)) + self.jumped
            assert mine.leaked or quiet >= max(POLICY.retire_at_least, POLICY.queue + POLICY.hops + TTL)

    @invariant()
    def at_most_one_generation_signs_and_one_comes(self) -> None:
        states = [each.state for each in self.slots]
        assert states.count(KeyState.ACTIVE) <= 1
        coming = [each for each in self.slots if each.state in COMING]
        # One that was given up may still be there for a moment when the next is made.
        assert len([each for each in coming if not each.leaked]) <= 1
        assert len({each.number for each in self.slots}) == len(self.slots) <= 3

    @invariant()
    def whatever_any_signer_signs_with_is_in_dns(self) -> None:
        states = {each.number: each.state for each in self.slots}
        assert {states[number] for number in self.uses.values()} <= {KeyState.ACTIVE, KeyState.RETIRING}

    @precondition(lambda self: any(each.state is KeyState.RETIRING for each in self.slots))
    @invariant()
    def somebody_signs_once_somebody_did(self) -> None:
        assert self.left or any(each.state is KeyState.ACTIVE for each in self.slots)


Life.TestCase.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)
TestLife = Life.TestCase
