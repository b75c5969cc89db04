"""Plans: what is sold, as limits that can be enforced; and a customer's exceptions from its plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from provisioner.core.names import Duration, Slug

Limit = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
"""A count of at least one; where None is allowed, it means no limit."""


class AboveLimit(StrEnum):
    """What happens to mail above a limit of time: refused for now (4xx, with the time), or for good (5xx)."""

    DEFER = "defer"
    REJECT = "reject"


class OneClick(StrEnum):
    """Which mail needs one-click unsubscription (RFC 8058): none, what is bulk, or all but answers."""

    OFF = "off"
    BULK = "bulk"
    ALWAYS = "always"


class Suppression(StrEnum):
    """What becomes of recipients on the customer's suppression list: refused, or nobody looks."""

    REFUSE = "refuse"
    OFF = "off"


class Limits(BaseModel):
    """What a plan grants. None is no limit beyond the fleet's own.

    recipients_per_day, recipients_per_hour: counted over all frontends and all of the customer's accounts;
        the day and its hours are those of the customer's time zone.
    recipients_per_message; message_size, attachment_size: bytes as sent, attachment_size 0 forbids them.
    connections: sessions of one account that send at the same time. messages_per_minute: of one account.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipients_per_day: Limit | None = None
    recipients_per_hour: Limit | None = None
    recipients_per_message: Limit | None = None
    message_size: Limit | None = None
    attachment_size: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)] | None = None
    connections: Limit | None = None
    messages_per_minute: Limit | None = None


class Plan(Limits):
    """One plan of `plans.yml`, where it stands under its name. `price` is free text for people.

    dkim_age: how old keys get before they are replaced; None is the fleet's word.
    """

    name: Slug
    above_limit: AboveLimit = AboveLimit.DEFER
    one_click: OneClick = OneClick.BULK
    suppression: Suppression = Suppression.REFUSE
    egress_pool: Slug = "default"
    dkim_age: Duration | None = None
    price: str = ""


def sends_more(plan: Plan, than: Plan) -> bool:
    """Whether a plan grants more recipients a day than another."""
    return is_more(plan.recipients_per_day, than.recipients_per_day)


def is_more(limit: int | None, than: int | None) -> bool:
    """Whether a limit grants more than another; None grants all."""
    return than is not None and (limit is None or limit > than)


class Override(BaseModel):
    """An exception from one limit: its value, the last day it holds (customer's date), and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)] | None
    until: date
    reason: Annotated[str, Field(min_length=1, max_length=200)]

    def holds(self, today: date) -> bool:
        """Whether it counts on that day."""
        return today <= self.until


LIMITS = tuple(Limits.model_fields)
"""The names of all limits, which an override may change."""


def limit_problems(name: str, value: object) -> list[str]:
    """What is wrong with another value for a limit of that name, beside the value's own form."""
    if name not in LIMITS:
        return [f"{name!r} is no limit of a plan; known: {', '.join(LIMITS)}"]
    if value == 0 and name != "attachment_size":
        return [f"{name} can't be 0; suspend the customer instead"]
    return []


_MEBIBYTE = 1024 * 1024

SHIPPED: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(
            name="base",
            recipients_per_day=1_000,
            recipients_per_hour=500,
            recipients_per_message=50,
            message_size=10 * _MEBIBYTE,
            connections=5,
            messages_per_minute=60,
        ),
        Plan(
            name="plus",
            recipients_per_day=5_000,
            recipients_per_hour=2_000,
            recipients_per_message=100,
            message_size=15 * _MEBIBYTE,
            connections=10,
            messages_per_minute=180,
        ),
        Plan(
            name="business",
            recipients_per_day=25_000,
            recipients_per_hour=8_000,
            recipients_per_message=100,
            connections=20,
            messages_per_minute=600,
        ),
        Plan(name="unlimited"),
        Plan(name="dem", egress_pool="dem"),
    )
}
"""What `provisioner init` writes into a new inventory, and what holds where it has no plans.yml."""
