"""What hosts have to know to decide on a customer's mail: the plan with the customer's exceptions.

Compiled without looking at the clock, so that the same inventory gives the same bytes: an exception travels
with the moment at which it ends, and ends on the hosts by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from provisioner.core.customers import Account, Customer
from provisioner.core.plans import LIMITS, OneClick, Override, Plan, Suppression

FORMAT = 1
"""Of the facts; the hosts' quota service refuses what it does not know."""


def grant(customer: Customer, account: Account, plan: Plan, time_zone: str) -> dict[str, object]:
    """The facts of one account, as the quota service reads them.

    plan: the account's own, if it has one. time_zone: the fleet's, for customers without their own. Limits
    stand under their own names, those without a limit are left out; `overrides` maps a limit to [value or
    null, end], the end in seconds since 1970.
    """
    zone = customer.time_zone or time_zone
    limits = {name: getattr(plan, name) for name in LIMITS}
    facts: dict[str, object] = {
        "customer": customer.name,
        "time_zone": zone,
        "above_limit": plan.above_limit.value,
        "limits": {name: value for name, value in limits.items() if value is not None},
    }
    if account.plan:
        facts["counter"] = customer.counter(account)
    elif customer.overrides:  # exceptions from the customer's plan are none from the account's own
        facts["overrides"] = _ends(customer.overrides, zone)
    if customer.suspended:
        facts["suspended"] = customer.suspended.reason
    if plan.suppression is not Suppression.REFUSE:
        facts["suppression"] = plan.suppression.value
    if account.networks:
        facts["networks"] = [str(network) for network in account.networks]
    return facts


def _ends(overrides: Mapping[str, Override], zone: str) -> dict[str, list[int | None]]:
    return {name: [override.value, _end_of(override, zone)] for name, override in sorted(overrides.items())}


def _end_of(override: Override, zone: str) -> int:
    """The midnight after its last day, there where the customer is."""
    following = override.until + timedelta(days=1)
    return int(datetime.combine(following, time(), ZoneInfo(zone)).timestamp())


def _plan_rules(customer: Customer, plan: Plan) -> dict[str, object]:
    rules: dict[str, object] = {}
    one_click = customer.one_click or plan.one_click
    if one_click is not OneClick.OFF:
        rules["one_click"] = one_click.value
    if plan.attachment_size is not None:
        rules["attachment_size"] = plan.attachment_size
    return rules


def content_rules(customer: Customer, plans: Mapping[str, Plan], time_zone: str) -> dict[str, object]:
    """What a backend checks in mail itself: unsubscription, attachments, sub-domains, dead return paths.

    `plans` in it: what holds instead for accounts with a plan of their own.
    """
    rules = _plan_rules(customer, plans[customer.plan])
    own = {each.login: _plan_rules(customer, plans[each.plan]) for each in customer.accounts if each.plan}
    if own:
        rules["plans"] = own
    exception = customer.overrides.get("attachment_size")
    if exception is not None:
        ends = _end_of(exception, customer.time_zone or time_zone)
        value = {} if exception.value is None else {"value": exception.value}
        rules["attachment_exception"] = {**value, "ends": ends}
    if customer.subdomains:
        rules["subdomains"] = True
    if customer.dead_return_paths:
        dead = sorted(customer.dead_return_paths.items())
        rules["dead_return_paths"] = {path.lower(): found.answer for path, found in dead}
    return rules
