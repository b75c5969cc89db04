"""`provisioner dkim status`: where keys are in their lives, what comes next, and on whom it waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

from provisioner.adapters.audit_file import AuditFile
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.dkim import Domains, Json, OfCustomer, app, chosen_or_all
from provisioner.core.audit import AuditEntry
from provisioner.core.dkim import KeyState
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import Action, On, Plan, Slot, Use, Wait, policy_of, slots_of
from provisioner.core.records import SLOTS
from provisioner.core.rotation import Ahead, forecast
from provisioner.workflows import rotation
from provisioner.workflows.rotation import Request

_WHOM = {On.SIGNERS: "a host", On.DNS: "the operator's DNS", On.CUSTOMER: "the customer"}
_GOING_ON = (Action.GENERATE, Action.PUBLISH, Action.PROVE, Action.REVOKE, Action.DESTROY)
"""What may be refused or fail, and when it is done is so no more."""
_STYLES = {KeyState.ACTIVE: "green", KeyState.RETIRING: "yellow", KeyState.REVOKED: "red"}


@app.command()
def status(
    ctx: typer.Context,
    domains: Domains = None,
    customer: OfCustomer = None,
    everything: Annotated[bool, typer.Option("--all", help="All domains.")] = False,
    json: Json = False,
) -> None:
    """Show for each domain its slots, their states, the next step, and what that waits for.

    Of all domains those are shown where something is under way; --json has every one.
    """
    inventory = context(ctx).load()
    request = Request(chosen_or_all(inventory, domains, customer, everything=everything))
    tools = wiring.rotation_tools(inventory, look_only=True)
    plans = rotation.plan(TenantFiles(context(ctx).path), inventory, request, tools)
    held = AuditFile(context(ctx).path).held([action.value for action in _GOING_ON])
    if json:
        facts = {name: plan_facts(inventory, name, plan, request) for name, plan in plans.items()}
        output.as_json([each | {"held": _held(name, held)} for name, each in facts.items()])
        return
    shown = [name for name in plans if not everything or not _quiet(inventory, name, plans[name])]
    rows = [row for name in shown for row in _rows(inventory, name, plans[name])]
    if rows:
        output.table(("Domain", "Slot", "Selectors", "State", "Since", "Next, or what it waits for"), rows)
    for name in shown:
        for each in _held(name, held):
            output.say(f"{name} slot {each['slot']} was held at {each['at']}: {each['said']}")
    if everything:
        dues = [due for name in plans if (due := _due(inventory, name))]
        soonest = f"; the next rotation is due on {min(dues).date()}" if dues else ""
        output.say(f"{len(plans) - len(shown)} of {len(plans)} domains sign with proven keys{soonest}.")


def _held(domain: str, held: Mapping[str, AuditEntry]) -> list[dict[str, object]]:
    """What kept slots where they are: a primary that refused, probes that failed."""
    return [
        {"slot": number, "at": entry.at.isoformat(), "said": entry.seen}
        for number in SLOTS
        if (entry := held.get(f"{domain} slot {number}"))
    ]


def show_plans(inventory: Inventory, plans: Mapping[str, Plan], request: Request) -> None:
    """What a run would do now, what would follow, and what waits."""
    now = wiring.now()
    for name, plan in plans.items():
        lines = [f"  now                  slot {step.slot}: {step.action.value}" for step in plan.steps]
        lines += [f"  held                 slot {wait.slot}: {told(wait)}" for wait in plan.waits]
        if plan.steps or not any(wait.until is None for wait in plan.waits):
            for each in ahead(inventory, name, request):
                if each.at > now or each.step not in plan.steps:
                    when = each.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
                    lines.append(f"  {when}  slot {each.step.slot}: {each.step.action.value}")
        if lines:
            output.say("\n".join([name, *lines]))
    if any(plan.steps for plan in plans.values()):
        output.say("Later times hold if every look is the right one. Nothing was changed: --apply begins.")
    else:
        output.say("Nothing is due.")


def ahead(inventory: Inventory, domain: str, request: Request) -> tuple[Ahead, ...]:
    """The steps that lie ahead of a domain if all goes well."""
    signers = [host.name for host in inventory.group("backends")]
    slots, ttl = slots_of(inventory.keys_of(domain)), timedelta(seconds=inventory.settings.dns_ttl)
    policy = policy_of(inventory, domain)
    return forecast(slots, signers, ttl, policy, wiring.now(), request.wish, request.slots.get(domain))


def plan_facts(inventory: Inventory, domain: str, plan: Plan, request: Request) -> dict[str, object]:
    """A domain's keys and their next steps, for JSON."""
    owner, due = inventory.owner(domain), _due(inventory, domain)
    keys = inventory.keys_of(domain)
    return {
        "domain": domain,
        "customer": owner.name if owner else None,
        "slots": [
            {
                "slot": slot.number,
                "selectors": sorted(key.selector for key in keys if key.slot == slot.number),
                "state": slot.state.value,
                **{
                    name: value.isoformat() if (value := getattr(slot, name)) else None
                    for name in ("since", "agreed", "proven", "signed")
                },
                "leaked": slot.leaked,
            }
            for slot in slots_of(keys)
        ],
        "steps": [{"slot": each.slot, "step": each.action.value} for each in plan.steps],
        "waits": waits_facts(plan.waits),
        "rotation_due": due.isoformat() if due else None,
        "ahead": [
            {"at": each.at.isoformat(), "slot": each.step.slot, "step": each.step.action.value}
            for each in (ahead(inventory, domain, request) if plan.steps or plan.waits else ())
        ],
    }


def waits_facts(waits: Iterable[Wait]) -> list[dict[str, object]]:
    """Waits for JSON."""
    return [
        {
            "slot": wait.slot,
            "on": wait.on.value,
            "reason": wait.reason,
            "until": wait.until.isoformat() if wait.until else None,
        }
        for wait in waits
    ]


def told(wait: Wait) -> str:
    """A wait in words, and who can end it."""
    until = f", until {wait.until.astimezone():%Y-%m-%d %H:%M:%S}" if wait.until else ""
    whom = f" (waits for {_WHOM[wait.on]})" if wait.on in _WHOM else ""
    return f"{wait.reason}{whom}{until}"


def _rows(inventory: Inventory, domain: str, plan: Plan) -> list[tuple[str | Text, ...]]:
    keys, due = inventory.keys_of(domain), _due(inventory, domain)
    rows: list[tuple[str | Text, ...]] = []
    slots = slots_of(keys)
    for slot in slots:
        selectors = ", ".join(sorted(key.selector for key in keys if key.slot == slot.number))
        steps = _next(plan, slot.number)
        if not steps and slot.state is KeyState.ACTIVE:
            use = policy_of(inventory, domain).use
            steps = [f"rotation due on {due.date()}"] if due else [use.value] if use is not Use.SIGNS else []
        state = Text(slot.state.value + (", leaked" if slot.leaked else ""), _STYLES.get(slot.state, ""))
        rows.append((domain, str(slot.number), selectors, state, f"{slot.since.date()}", "; ".join(steps)))
    free = {each.slot for each in plan.waits} | {each.slot for each in plan.steps if slots}
    for number in sorted(free - {slot.number for slot in slots}):
        rows.append((domain, str(number), "", "free", "", "; ".join(_next(plan, number))))
    if not rows:
        rows.append((domain, "", "", "no keys", "", f"provisioner dkim rotate {domain} --apply"))
    return rows


def _next(plan: Plan, slot: int) -> list[str]:
    """What is due for a slot, and what it waits for, in words."""
    steps = [each.action.value for each in plan.steps if each.slot == slot]
    return steps + [told(wait) for wait in plan.waits if wait.slot == slot]


def _quiet(inventory: Inventory, domain: str, plan: Plan) -> bool:
    """Whether nothing is due or under way: one slot, which signs and is proven."""
    slots = slots_of(inventory.keys_of(domain))
    settled = len(slots) == 1 and _settled(slots[0]) and not slots[0].leaked
    used = policy_of(inventory, domain).use is Use.SIGNS
    return used and settled and not plan.steps and not plan.waits


def _settled(slot: Slot) -> bool:
    return slot.state is KeyState.ACTIVE and slot.proven is not None


def _due(inventory: Inventory, domain: str) -> datetime | None:
    """When the keys that sign are to be replaced."""
    policy = policy_of(inventory, domain)
    active = [slot for slot in slots_of(inventory.keys_of(domain)) if slot.state is KeyState.ACTIVE]
    if not active or policy.age is None or policy.use is not Use.SIGNS:
        return None
    return active[0].since + policy.age
