"""A customer's accounts: each in its own domains and from its own networks, whatever the others may."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provisioner.adapters.submission import Refused
from tests.fleet.fleet import Account, Fleet, mail

TO = "reader@gmail.test"


@contextmanager
def account(fleet: Fleet, sender: Account, login: str, *limits: str) -> Iterator[Account]:
    named = ("customer", "account")
    try:
        said = json.loads(fleet.done(*named, "add", sender.customer, login, *limits, "--json"))
        yield Account(sender.customer, login, said["password"], sender.domain)
    finally:
        fleet.done(*named, "remove", sender.customer, login, "--yes")


def here(fleet: Fleet) -> str:
    """The address that the fleet sees us come from."""
    with socket.create_connection((str(fleet.inventory.settings.virtual_address), 587), 10) as connection:
        return str(connection.getsockname()[0])


def test_an_account_is_of_use_from_its_networks_alone(fleet: Fleet, sender: Account) -> None:
    message = mail(sender.domain, [TO])
    with account(fleet, sender, "tester-away", "--network", "203.0.113.0/24") as away:
        with fleet.session(away) as session, pytest.raises(Refused, match="may not be used from ") as refused:
            session.send(f"a@{sender.domain}", [TO], message)
        assert (refused.value.code, here(fleet) in refused.value.text) == (554, True)
    limits = ("--network", f"{here(fleet)}/32", "--network", "203.0.113.0/24")
    with account(fleet, sender, "tester-here", *limits) as near, fleet.session(near) as session:
        session.send(f"a@{sender.domain}", [TO], message)


def test_an_account_that_is_removed_sends_no_more_in_an_open_session(fleet: Fleet, sender: Account) -> None:
    with account(fleet, sender, "tester-gone") as gone, fleet.session(gone) as session:
        session.send(f"a@{sender.domain}", [TO], mail(sender.domain, [TO]))
        fleet.done("customer", "account", "remove", sender.customer, gone.login, "--yes")
        with pytest.raises(Refused) as refused:
            session.send(f"a@{sender.domain}", [TO], mail(sender.domain, [TO]))
        assert refused.value.code in {553, 554}
        fleet.done("customer", "account", "add", sender.customer, gone.login)
