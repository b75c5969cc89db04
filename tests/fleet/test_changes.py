"""What support does to a customer holds at once: a plan, an exception from it, a password."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.adapters.submission import Refused
from tests.fleet.fleet import Account, Fleet, mail

CUSTOMER, DOMAIN = "changing", "hooli.example"
TO = "reader@sink.test"


@pytest.fixture(scope="module")
def account(fleet: Fleet) -> Iterator[Account]:
    yield fleet.add_customer(CUSTOMER, DOMAIN, sends=True, plan="base")
    fleet.done("customer", "remove", CUSTOMER, "--yes")


def exception(fleet: Fleet, limit: str, value: int) -> None:
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    changed = ("customer", "override", CUSTOMER, limit, str(value), "--until", tomorrow, "--reason", "test")
    fleet.done(*changed)


def used(fleet: Fleet) -> int:
    (facts,) = json.loads(fleet.done("customer", "usage", CUSTOMER, "--json"))
    return int(facts["today"])


def test_an_exception_and_a_larger_plan_hold_in_an_open_session_and_keep_the_count(
    fleet: Fleet, account: Account
) -> None:
    exception(fleet, "recipients_per_day", 2)
    with fleet.session(account) as session:

        def send() -> None:
            session.send(f"a@{DOMAIN}", [TO], mail(DOMAIN, [TO]))

        for _ in range(2):
            send()
        with pytest.raises(Refused, match="2 of 2 recipients of this day are used") as refused:
            send()
        assert refused.value.code == 450
        exception(fleet, "recipients_per_day", 3)
        send()
        fleet.done("customer", "override", CUSTOMER, "recipients_per_day", "--end")
        fleet.done("customer", "set-plan", CUSTOMER, "plus")
        send()
        assert used(fleet) == 4
        fleet.done("customer", "set-plan", CUSTOMER, "base")
        exception(fleet, "recipients_per_message", 1)
        with pytest.raises(Refused, match="2 recipients; the plan allows 1 a message"):
            session.send(f"a@{DOMAIN}", [TO, f"other-{TO}"], mail(DOMAIN, [TO]))
    assert used(fleet) == 4


def test_a_new_password_is_the_only_one(fleet: Fleet, account: Account) -> None:
    told = json.loads(fleet.done("customer", "rotate-password", CUSTOMER, "--json"))
    changed = Account(CUSTOMER, account.login, told["password"], DOMAIN)
    with fleet.session(changed) as session:
        session.send(f"a@{DOMAIN}", [TO], mail(DOMAIN, [TO]))
    with pytest.raises(Refused) as refused, fleet.session(account):
        pass
    assert refused.value.code == 535
    assert account.password not in fleet.shell("fe1", "cat /var/lib/provisioner/tenants/current/passwd")
