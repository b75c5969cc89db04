"""What is given back is what was refused: no accepted mail is, by having other mail refused."""

from __future__ import annotations

import json
import time

import pytest

from provisioner.adapters.submission import Refused
from tests.fleet.fleet import Account, Fleet, eventually, mail

MANY = [f"many{number}@gmail.test" for number in range(50)]
SETTLED = 2.0
"""Seconds after which the log has been looked at for sure."""


def counted(fleet: Fleet, customer: Account) -> int:
    said = json.loads(fleet.done("customer", "usage", customer.customer, "--json"))
    return int(said[0]["today"])


@pytest.mark.parametrize("customer", [("exact", "toolong.hooli.example")], indirect=True)
def test_a_text_over_the_limit_gives_nothing_else_back(fleet: Fleet, customer: Account) -> None:
    """Postfix notes a refusal of it without having asked about its end, when no size was declared."""
    sender, to_all = f"a@{customer.domain}", mail(customer.domain, ["many@gmail.test"])
    too_long = b"From: a\r\n\r\n" + fleet.inventory.settings.message_size_limit // 64 * (b"x" * 70 + b"\r\n")
    with fleet.session(customer) as session:
        for _ in range(2):
            session.send(sender, MANY, to_all)
            time.sleep(SETTLED)
            with pytest.raises(Refused) as refused:
                session.send(sender, ["b@gmail.test"], too_long)
            assert refused.value.code == 552
            time.sleep(SETTLED)
        # Between a text that was too long and the next look at the log.
        session.send(sender, MANY, to_all)
    time.sleep(SETTLED)
    assert counted(fleet, customer) == 3 * len(MANY)


@pytest.mark.parametrize("customer", [("exact", "quick.hooli.example")], indirect=True)
def test_a_refusal_that_is_read_late_is_that_of_its_own_message(fleet: Fleet, customer: Account) -> None:
    """A forged message and a good one right after it, sooner than the log is looked at again."""
    sender, rounds = f"a@{customer.domain}", 8
    with fleet.session(customer) as session:
        for _ in range(rounds):
            with pytest.raises(Refused):
                session.send(sender, ["b@gmail.test"], mail("other.example", ["b@gmail.test"]))
            session.send(sender, MANY, mail(customer.domain, ["many@gmail.test"]))
    eventually(lambda: counted(fleet, customer) == rounds * len(MANY), "what was forged given back", 20)
    time.sleep(SETTLED)
    assert counted(fleet, customer) == rounds * len(MANY)
