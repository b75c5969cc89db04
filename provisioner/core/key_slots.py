"""What is known of a domain's DKIM keys by slot, what was seen of them, and what may be done. Pure.

A slot holds the RSA and the Ed25519 key of one generation, which go through life together; `rotation` decides
from these how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from provisioner.core.dkim import DkimKey, KeyState
from provisioner.core.fleet import Inventory

USED = frozenset({KeyState.ACTIVE, KeyState.RETIRING})
"""States of keys that mail was signed with."""

COMING = (KeyState.GENERATED, KeyState.DISTRIBUTED, KeyState.PUBLISHED, KeyState.VERIFIED)
"""States of a key that has not signed yet, in their order."""

LEAVING = frozenset({KeyState.RETIRING, KeyState.REVOKED})
"""States of keys that make room."""

HELD = frozenset({KeyState.DISTRIBUTED, KeyState.PUBLISHED, KeyState.VERIFIED, *USED})
"""States of keys that every signer holds: a retiring one for as long as one may go back to it."""


@dataclass(frozen=True)
class Slot:
    """A generation of keys. since: when it came into its state.

    agreed: when DNS was first seen to be everywhere as it ought to (`Dns`), without a doubt since.
    proven: when probes through every backend were verified from outside.
    signed: when every signer was seen to have stopped using it; None: one may still sign with it.
    leaked: somebody else may have the private keys, or nobody is to use them.
    """

    number: int
    state: KeyState
    since: datetime
    agreed: datetime | None = None
    proven: datetime | None = None
    signed: datetime | None = None
    leaked: bool = False


def slots_of(keys: Iterable[DkimKey]) -> tuple[Slot, ...]:
    """A domain's generations, from the keys that its file holds."""
    found: dict[int, Slot] = {}
    for key in keys:
        since = key.since or key.created
        found[key.slot] = Slot(key.slot, key.state, since, key.agreed, key.proven, key.signed, key.leaked)
    return tuple(found[number] for number in sorted(found))


def with_slot(key: DkimKey, slot: Slot) -> DkimKey:
    """A key that says of itself what its slot says."""
    facts = ("state", "since", "agreed", "proven", "signed", "leaked")
    return key.model_copy(update={name: getattr(slot, name) for name in facts})


class Dns(StrEnum):
    """What the authoritative servers say of a slot's records, all of them taken together.

    What they ought to have is exactly these keys; of revoked ones, nothing that a signature verifies with.
    """

    EXACT = "every server has what it ought to"
    DIFFERENT = "a server has something else"
    ELSEWHERE = "their names lead to somebody else's zone"
    DOUBT = "a server does not answer"


class On(StrEnum):
    """What a slot waits for."""

    TIME = "time"
    SIGNERS = "signers"
    DNS = "dns"
    CUSTOMER = "customer"
    ROOM = "room"
    PROOF = "proof"


@dataclass(frozen=True)
class Seen:
    """What was seen of one slot now.

    ttl: the larger of the records' time to live and the zone's negative one, for which resolvers may still
    believe what was before.
    signers: host → whether it has the bundle with these keys in their present state, which holds no others,
    and of keys about to be published or to sign whether they lie there, by fingerprint; None: no answer.
    said: the servers' own words about what is not EXACT, and what to do; or which servers agree.
    on: whose it is to mend what is not EXACT.
    """

    dns: Dns = Dns.DOUBT
    ttl: timedelta = timedelta(hours=1)
    signers: Mapping[str, bool | None] = field(default_factory=dict)
    said: str = ""
    on: On = On.DNS

    @property
    def away(self) -> str:
        """The signers that are not in the keys' present state for certain; empty when all are."""
        names = sorted(host for host, holds in self.signers.items() if not holds)
        return ", ".join(names) or ("" if self.signers else "all")

    @property
    def lacking(self) -> str:
        """Which signers do not have the keys for certain; empty when all have."""
        other = ", ".join(sorted(host for host, holds in self.signers.items() if holds is False))
        why = f"; something else lies at {other}: 'provisioner dkim check' says what" if other else ""
        return f"signers that have not shown these keys: {self.away}{why}" if self.away else ""

    @property
    def doubt(self) -> str:
        """What DNS lacks; empty when it is exact."""
        return "" if self.dns is Dns.EXACT else f"DNS: {self.said or self.dns.value}"


class Use(StrEnum):
    """Who may sign with a domain's keys."""

    SIGNS = "accounts send as it"
    IDLE = "its customer has no account that may send as it"
    NOBODYS = "it belongs to no customer any more"


@dataclass(frozen=True)
class Policy:
    """How long things last, and whether anybody needs new keys. age: None never rotates by itself."""

    use: Use = Use.SIGNS
    age: timedelta | None = timedelta(days=180)
    queue: timedelta = timedelta(days=5)
    hops: timedelta = timedelta(days=1)
    retire_at_least: timedelta = timedelta(days=14)

    def retirement(self, ttl: timedelta) -> timedelta:
        """For how long its record outlives the last signature: a queue's life, the way, and a cache's."""
        return max(self.retire_at_least, self.queue + self.hops + ttl)


def policy_of(inventory: Inventory, domain: str) -> Policy:
    """What holds for a domain: its customer's word, else the plan's, else the fleet's."""
    settings, customer = inventory.settings, inventory.owner(domain)
    ages = (customer.dkim_age, inventory.plans[customer.plan].dkim_age) if customer else ()
    age = next((each for each in ages if each is not None), settings.dkim_age)
    use = Use.NOBODYS if customer is None else Use.SIGNS if customer.logins_for(domain) else Use.IDLE
    # Where queues are emptied within hours, the way on from there is no longer either.
    return Policy(
        use, age, settings.queue_lifetime, min(Policy.hops, settings.queue_lifetime), settings.dkim_retirement
    )


class Wish(StrEnum):
    """What somebody asks for, besides what is due by itself."""

    NOTHING = "nothing"
    ROTATE = "rotate"
    EMERGENCY = "emergency"
    ROLLBACK = "rollback"
    REVOKE = "revoke"


def to_show(slots: Sequence[Slot], wish: Wish) -> frozenset[KeyState]:
    """States that a slot leaves only when every signer holds its keys: to be published, and to sign."""
    back = wish is Wish.ROLLBACK or all(slot.state is not KeyState.ACTIVE for slot in slots)
    return frozenset({KeyState.DISTRIBUTED, KeyState.VERIFIED} | ({KeyState.RETIRING} if back else set()))


class Action(StrEnum):
    """What is to be done; what it leads to is noted once it is done."""

    GENERATE = "make new keys"
    MARK_LEAKED = "note that nobody may use them any more"
    DISTRIBUTE = "bring them to every signer"
    ACKNOWLEDGE = "note that every signer holds them"
    PUBLISH = "publish their records"
    NOTE_AGREEMENT = "note that DNS agrees, and look again later"
    FORGET_AGREEMENT = "begin looking anew"
    ACTIVATE = "sign with them"
    PROVE = "send a probe through every backend and verify it"
    RETIRE = "sign with them no more"
    NOTE_STOPPED = "note that no signer uses them any more"
    REVOKE = "publish empty records"
    DESTROY = "remove records and private keys"


@dataclass(frozen=True)
class Step:
    """One thing that is due. state: the slot's once it is done; retires: the slot that stops signing.

    seen: what it rests on.
    """

    slot: int
    action: Action
    state: KeyState
    retires: int | None = None
    seen: str = field(default="", compare=False)


@dataclass(frozen=True)
class Wait:
    """Why a slot stays where it is. until: when that ends by itself; None: when somebody does something."""

    slot: int
    reason: str
    on: On
    until: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """What is due now, and what waits."""

    steps: tuple[Step, ...]
    waits: tuple[Wait, ...]


def after(slots: Iterable[Slot], step: Step, now: datetime) -> tuple[Slot, ...]:
    """The slots once a step is done and noted."""
    if step.action is Action.GENERATE:
        return (*slots, Slot(step.slot, step.state, now))
    changed = []
    for slot in slots:
        if slot.number == step.retires:
            changed.append(replace(slot, state=KeyState.RETIRING, since=now, signed=None))
        elif slot.number != step.slot:
            changed.append(slot)
        elif step.action is not Action.DESTROY:
            changed.append(_noted(slot, step, now))
    return tuple(changed)


def _noted(slot: Slot, step: Step, now: datetime) -> Slot:
    match step.action:
        case Action.NOTE_AGREEMENT:
            return replace(slot, agreed=now)
        case Action.FORGET_AGREEMENT:
            return replace(slot, agreed=None)
        case Action.NOTE_STOPPED:
            return replace(slot, signed=now)
        case Action.MARK_LEAKED:
            return replace(slot, leaked=True)
        case Action.PROVE:
            return replace(slot, proven=now)
        case _:
            return replace(slot, state=step.state, since=now, agreed=None, signed=None)
