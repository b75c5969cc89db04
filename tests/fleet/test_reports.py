"""Two witnesses agree on what was sent; customers are told of it; dead return paths have consequences."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from provisioner.adapters.submission import Refused
from tests.fleet.fleet import Account, Fleet, eventually, mail

FORGOTTEN = 16
"""Seconds after which a backend asks again whether a mailbox takes mail."""


def send(fleet: Fleet, customer: Account, count: int, **headers: str) -> str:
    recipients = [f"r{number}@gmail.test" for number in range(count)]
    message = mail(customer.domain, recipients, **headers)
    with fleet.session(customer) as session:
        session.send(f"news@{customer.domain}", recipients, message)
    return str(message["Message-ID"])


@pytest.mark.parametrize("customer", [("exact", "counted.hooli.example")], indirect=True)
def test_counted_and_taken_agree_until_somebody_changes_the_counts(
    fleet: Fleet, customer: Account, since: float
) -> None:
    sent = [send(fleet, customer, count) for count in (1, 4, 2)]
    for message_id in sent:
        fleet.arrived(message_id, since)
    wanted = ("report", "usage", "--customer", customer.customer, "--json")

    def delivered() -> bool:
        found = json.loads(fleet.done(*wanted))["customers"]
        return [(each["counted"], each["taken"], each["delivered"]) for each in found] == [(7, 7, 7)]

    eventually(delivered, "seven counted, taken and delivered")
    assert customer.customer in fleet.cli("report", "usage").stdout
    day = json.loads(fleet.done("customer", "usage", customer.customer, "--json"))[0]["days"]
    key = f"day:{customer.customer}:{next(iter(day))}"
    code = (
        "import asyncio, json; from provisioner_store.store import connect; from pathlib import Path; "
        "how = json.loads(Path('/etc/provisioner/quota.json').read_text()); "
        f"asyncio.run(connect(how).call('INCRBY', '{key}', 6))"
    )
    library = "PYTHONPATH=/usr/local/lib/provisioner"
    assert fleet.on("fe1", "env", library, "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", code).ok
    alarmed = fleet.cli(*wanted)
    assert (alarmed.returncode, customer.customer in alarmed.stderr) == (1, True)
    assert json.loads(alarmed.stdout)["customers"][0]["difference"] == 6


@pytest.mark.parametrize("customer", [("narrow", "warned.hooli.example")], indirect=True)
def test_a_customer_is_told_once_of_each_level(
    fleet: Fleet, customer: Account, copy: Path, since: float
) -> None:
    refused = fleet.cli("report", "warn", inventory=copy)
    assert (refused.returncode, "fleet_notices_from is not set" in refused.stderr) == (2, True)
    settings = copy / "group_vars/all/fleet.yml"
    settings.write_text(f"{settings.read_text()}fleet_notices_from: help@{customer.domain}\n")

    def told() -> list[tuple[str, int]]:
        said = fleet.cli("report", "warn", "--json", inventory=copy)
        assert said.returncode == 0, said.stderr
        mine = [each for each in json.loads(said.stdout) if each["customer"] == customer.customer]
        return [(each["contact"], each["level"]) for each in mine]

    contact = f"{customer.customer}@gmail.test"
    assert told() == []
    send(fleet, customer, 4)
    assert customer.customer in fleet.cli("report", "warn", "--check", inventory=copy).stdout
    assert told() == [(contact, 80)]
    assert told() == []
    send(fleet, customer, 1)
    assert told() == [(contact, 100)]
    assert told() == []

    def read() -> list[str]:
        return [each.message_id for each in fleet.world_received(since) if each.recipient == contact]

    first = eventually(read, "a notice")[0]
    # It begins at the backend: one hop less than a customer's.
    assert fleet.proof_of(fleet.arrived(first, since)).faults == ("TLS over 2 of 3 hops",)


@pytest.mark.parametrize("customer", [("exact", "soylent.example")], indirect=True)
def test_a_return_path_that_takes_no_mail_blocks_mail_to_many_alone(
    fleet: Fleet, customer: Account, since: float
) -> None:
    path = f"news@{customer.domain}"
    check = ("customer", "check-return-paths", customer.customer)
    bulk = {
        "List_Unsubscribe": f"<https://{customer.domain}/out>",
        "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
    }
    fleet.arrived(send(fleet, customer, 1, **bulk), since)
    assert path in fleet.done(*check)
    with fleet.behaviour(path, "reject"):
        fleet.shell("be1", "postfix stop; postfix start")  # it forgets that the mailbox took mail
        found = fleet.cli(*check, "--json")
        assert found.returncode == 1, found.stdout + found.stderr
        assert [(each["address"], each["state"]) for each in json.loads(found.stdout)] == [(path, "dead")]
    with pytest.raises(Refused, match=f"the return path {path} takes no mail"):
        send(fleet, customer, 1, **bulk)
    send(fleet, customer, 1)
    assert path in fleet.done("customer", "show", customer.customer)
    time.sleep(FORGOTTEN)
    fleet.done(*check)
    send(fleet, customer, 1, **bulk)
