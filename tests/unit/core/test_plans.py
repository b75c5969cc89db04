"""Plans, exceptions from them, and what a frontend gets to know of both."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from provisioner.core.bundle import compile_bundle
from provisioner.core.customers import Customer, today_in
from provisioner.core.grants import content_rules, grant
from provisioner.core.plans import SHIPPED, OneClick, Override, Plan
from tests.unit.core.test_bundle import ACME, INVENTORY


def exception(**facts: object) -> Override:
    return Override.model_validate({"value": 5000, "until": "2030-03-30", "reason": "sale"} | facts)


@pytest.mark.parametrize("value", [0, -1, 1.5, "10", True])
@pytest.mark.parametrize("limit", ["recipients_per_day", "connections", "message_size"])
def test_a_limit_is_at_least_one(limit: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({"name": "x", limit: value})


def test_no_attachments_is_a_limit_of_its_own() -> None:
    assert Plan(name="x", attachment_size=0).attachment_size == 0


def test_an_exception_holds_through_its_last_day() -> None:
    assert exception().holds(date(2030, 3, 30))
    assert not exception().holds(date(2030, 3, 31))


def test_a_customer_knows_which_exceptions_have_ended() -> None:
    customer = ACME.model_copy(update={"overrides": {"connections": exception()}})
    assert customer.expired(date(2030, 3, 31)) == ("connections",)
    assert customer.expired(date(2030, 3, 30)) == ()


def test_an_account_stays_within_its_customers_domains() -> None:
    facts = ACME.model_dump(mode="json")
    facts["accounts"][0]["domains"] = ["globex.example"]
    with pytest.raises(ValidationError, match="none of the customer's domains"):
        Customer.model_validate(facts)


def test_an_account_of_some_domains_sends_in_those_alone() -> None:
    facts = ACME.model_dump(mode="json")
    facts["accounts"][0]["domains"] = ["shop.acme.example"]
    narrow = replace(INVENTORY, customers=(Customer.model_validate(facts),))
    senders = compile_bundle(narrow).frontend["senders"].decode().splitlines()
    assert senders == ["@acme.example acme-app", "@shop.acme.example acme-app,acme-web"]


def test_what_a_frontend_learns_of_an_account() -> None:
    customer = ACME.model_copy(
        update={"time_zone": "Europe/Rome", "overrides": {"recipients_per_day": exception(value=None)}}
    )
    facts = grant(customer, customer.accounts[0], SHIPPED["base"], "UTC")
    # Summer time begins in the night after 2030-03-30: that midnight is still at +01:00.
    midnight = int(datetime(2030, 3, 30, 23, 0, tzinfo=UTC).timestamp())
    assert facts["overrides"] == {"recipients_per_day": [None, midnight]}
    assert facts["time_zone"] == "Europe/Rome"
    assert facts["limits"]["recipients_per_day"] == 1000  # type: ignore[index]


def test_the_bundle_has_a_line_for_every_login() -> None:
    lines = compile_bundle(INVENTORY).frontend["accounts"].decode().splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == ["acme-app", "acme-web", "globex"]
    assert all(json.loads(line.split(" ", 1)[1])["customer"] for line in lines)


@given(
    st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2034, 1, 1)),
    st.sampled_from(["UTC", "Europe/Rome", "America/St_Johns", "Pacific/Chatham", "Asia/Kolkata"]),
)
def test_an_exception_ends_where_the_customers_day_does(moment: datetime, zone: str) -> None:
    now = moment.replace(tzinfo=UTC)
    today = today_in(zone, now)
    customer = ACME.model_copy(
        update={"time_zone": zone, "overrides": {"connections": exception(until=today.isoformat())}}
    )
    ends = grant(customer, customer.accounts[0], SHIPPED["base"], "UTC")["overrides"]["connections"][1]  # type: ignore[index]
    assert now.timestamp() < ends
    after = datetime.fromtimestamp(ends, ZoneInfo(zone))
    assert after.date() == today + timedelta(days=1)


def test_what_a_backend_checks_in_the_mail_itself() -> None:
    plans = {ACME.plan: Plan(name="x", attachment_size=0)}
    assert content_rules(ACME, plans, "UTC") == {"one_click": "bulk", "attachment_size": 0}
    free = ACME.model_copy(update={"one_click": OneClick.OFF})
    assert content_rules(free, {ACME.plan: Plan(name="x")}, "UTC") == {}
    lifted = free.model_copy(
        update={"overrides": {"attachment_size": exception(value=None, until="1970-01-01")}}
    )
    rules = content_rules(lifted, plans, "UTC")
    assert rules == {"attachment_size": 0, "attachment_exception": {"ends": 86_400}}


def test_an_account_with_a_plan_of_its_own_is_checked_by_that() -> None:
    account = ACME.accounts[0].model_copy(update={"plan": "dem"})
    customer = ACME.model_copy(update={"accounts": (account, *ACME.accounts[1:])})
    plans = {ACME.plan: Plan(name="x", attachment_size=0), "dem": Plan(name="dem", one_click=OneClick.ALWAYS)}
    rules = content_rules(customer, plans, "UTC")
    assert rules == {
        "one_click": "bulk",
        "attachment_size": 0,
        "plans": {account.login: {"one_click": "always"}},
    }
