"""Carry DKIM keys through their life: look, decide, do what is due, note it, and look again.

Each step is noted in the inventory once it is done, and may be done twice: whatever ends a run, the next one
goes on. The lock of the keys is held throughout, so two rotations can't be under way at once; customers may
change meanwhile, and hosts get them as they are then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from provisioner.core.dkim import KeyState
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import COMING, On, Plan, Use, Wait, Wish, policy_of, slots_of
from provisioner.workflows.dkim import with_keys
from provisioner.workflows.ports import TenantStore
from provisioner.workflows.rotation_round import Round
from provisioner.workflows.rotation_tools import Tools
from provisioner.workflows.transitions import Fault, Transition

__all__ = [
    "Fault",
    "Outcome",
    "Request",
    "Tools",
    "Transition",
    "all_domains",
    "follow",
    "pause_for",
    "plan",
    "run",
]

ROUNDS = 14
"""Looks in one run: more than the steps of a life, so a run ends when nothing is due, not here."""


LOOK_AGAIN = 2.0
"""Seconds between looks at what ends when somebody does something."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for, for which domains, and why. slots: by domain, the one to be revoked."""

    domains: Sequence[str]
    wish: Wish = Wish.NOTHING
    why: str = ""
    slots: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a run did, what each domain waits for now, and what went wrong and needs somebody."""

    done: tuple[Transition, ...]
    waits: Mapping[str, tuple[Wait, ...]]
    faults: tuple[Fault, ...] = ()


def run(
    store: TenantStore,
    request: Request,
    tools: Tools,
    note: Callable[[Transition], None] = lambda _: None,
) -> Outcome:
    """Do what is due for these domains until nothing is. Raises UsageError for a domain that is nobody's.

    note: told of each transition once the inventory has it.
    """
    with store.keys_locked():
        with store.locked():
            inventory = store.load()
        names = tuple(dict.fromkeys(with_keys(inventory, domain) for domain in request.domains))
        wishes, whys = dict.fromkeys(names, request.wish), dict.fromkeys(names, request.why)
        done: list[Transition] = []
        faults: dict[Fault, None] = {}
        at_work = Round(store, inventory, tools)
        for _ in range(ROUNDS):
            plans = at_work.plans(wishes, request.slots)
            transitions = at_work.carry_out(plans, whys, note)
            done += transitions
            faults |= dict.fromkeys(at_work.faults)
            if not transitions and not at_work.back:
                break
            # A wish is for once: what it began goes on by itself, save where a probe failed.
            wishes = dict.fromkeys(names, Wish.NOTHING) | dict.fromkeys(at_work.back, Wish.ROLLBACK)
            whys = dict.fromkeys(names, request.why) | at_work.back
            at_work = at_work.next()
        waits = {name: plans[name].waits for name in names}
        return Outcome(tuple(done), waits, tuple(faults))


def follow(
    store: TenantStore,
    request: Request,
    tools: Callable[[], Tools],
    pause: Callable[[Sequence[str], Sequence[Wait]], None],
    note: Callable[[Transition], None] = lambda _: None,
) -> Outcome:
    """Run again and again until the newest keys of all these domains sign and are proven.

    pause: lets time pass, told of domains under way and what they wait for; it raises to give up. Ends early
    at a fault, which no time mends. The lock is free while it waits.
    """
    outcome = run(store, request, tools(), note)
    later = replace(request, wish=Wish.NOTHING)
    while not outcome.faults and (open_ := _under_way(store.load(), request.domains)):
        pause(open_, [wait for name in open_ for wait in outcome.waits.get(name, ())])
        outcome = run(store, later, tools(), note)
    return outcome


def _under_way(inventory: Inventory, domains: Sequence[str]) -> list[str]:
    """Those whose newest keys do not sign yet, or are not proven, though somebody is to sign with them."""
    return [
        domain
        for domain in domains
        if policy_of(inventory, domain).use is Use.SIGNS
        and any(
            slot.state in COMING or (slot.state is KeyState.ACTIVE and slot.proven is None)
            for slot in slots_of(inventory.keys_of(domain))
        )
    ]


def pause_for(waits: Sequence[Wait], now: datetime) -> float:
    """Seconds after which a further look makes sense: when time is all that is lacking, else soon."""
    ends = [wait.until for wait in waits if wait.until is not None and wait.on is On.TIME]
    if not ends or len(ends) < len(waits):
        return LOOK_AGAIN
    return max(0.2, (min(ends) - now).total_seconds())


def plan(store: TenantStore, inventory: Inventory, request: Request, tools: Tools) -> dict[str, Plan]:
    """What `run` would do first; tools.push has to look only. Raises UsageError for a foreign domain."""
    wishes = dict.fromkeys((with_keys(inventory, domain) for domain in request.domains), request.wish)
    return Round(store, inventory, tools, look_only=True).plans(wishes, request.slots)


def all_domains(inventory: Inventory) -> tuple[str, ...]:
    """Every domain that has keys, also those that are nobody's any more."""
    return tuple(sorted({key.domain for key in inventory.keys}))
