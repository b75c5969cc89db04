"""Take over a key that signed a domain's mail in another system."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pydantic import ValidationError

from provisioner.core.answers import Outcome
from provisioner.core.checks import check_dkim
from provisioner.core.dkim import Algorithm, DkimKey, KeyState
from provisioner.core.errors import UsageError
from provisioner.core.findings import Status
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import COMING, slots_of
from provisioner.core.records import SLOTS, dkim_needed, selector
from provisioner.workflows.dkim import owned
from provisioner.workflows.ports import Resolver, TenantStore

_OWN = {selector(algorithm, slot): slot for slot in SLOTS for algorithm in Algorithm}


def take_over(
    store: TenantStore,
    resolver: Resolver,
    domain: str,
    its_selector: str,
    key: tuple[Algorithm, str, bytes],
    now: datetime,
    announce: Callable[[DkimKey], None] = lambda _: None,
) -> DkimKey:
    """Keep a key (algorithm, `p=`, PEM) under its selector in a free slot, as if it had just been made.

    It signs once it is on every signer and DNS is seen to have it, as any other. announce: told of it before
    it is there. Raises UsageError, nothing changed, when DNS has another key there, or leads elsewhere; when
    other keys are on their way; or when no slot is free.
    """
    algorithm, public, private = key
    with store.keys_locked(), store.locked():
        inventory = store.load()
        name = owned(inventory, domain)
        slot = _slot(inventory, name, its_selector)
        try:
            taken = DkimKey(
                domain=name,
                selector=its_selector,
                algorithm=algorithm,
                slot=slot,
                state=KeyState.GENERATED,
                created=now,
                since=now,
                public=public,
            )
        except ValidationError as error:
            raise UsageError(f"{its_selector!r} is no selector: lower-case letters, digits and -") from error
        _agree(inventory, taken, resolver)
        announce(taken)
        store.add_keys(name, [(taken, private)])
        return taken


def _slot(inventory: Inventory, domain: str, its_selector: str) -> int:
    keys = inventory.keys_of(domain)
    slots = slots_of(keys)
    if its_selector in {key.selector for key in keys}:
        raise UsageError(f"{domain} has a key {its_selector} already", hint=f"provisioner dkim show {domain}")
    if any(slot.state in COMING for slot in slots):
        hint = f"Let them finish (provisioner dkim status {domain}), or give them up: dkim revoke"
        raise UsageError(f"other keys of {domain} are on their way", hint=hint)
    free = [number for number in SLOTS if number not in {slot.number for slot in slots}]
    # A name that is a slot's own goes there and nowhere else: the slot's next keys will need it.
    wanted = _OWN.get(its_selector)
    if not free or wanted not in {None, *free}:
        raise UsageError(f"{domain} has no free slot for {its_selector}: {len(slots)} are in use")
    return wanted or free[0]


def _agree(inventory: Inventory, key: DkimKey, resolver: Resolver) -> None:
    """Raise UsageError where DNS has something else at the selector; nothing, or no answer, is fine."""
    wanted = dkim_needed(inventory, key)
    for answer in resolver.lookup_all(wanted.name, "TXT"):
        finding = check_dkim(key, wanted, [answer])[0]
        elsewhere = answer.chain and wanted.value not in answer.chain
        if finding.status is Status.FAIL and (answer.outcome is Outcome.FOUND or elsewhere):
            message = f"this is not the key of {wanted.name}: {finding.seen} ({finding.server})"
            raise UsageError(message, hint=finding.fix)
