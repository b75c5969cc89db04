"""What `provisioner lab` says of the running lab and does in it."""

from __future__ import annotations

import json

from tests.fleet.fleet import Account, Fleet, eventually, mail

TO = "verbs@gmail.test"


def test_its_machines_are_listed_and_reached(fleet: Fleet) -> None:
    listed = json.loads(fleet.done("lab", "status", "--json"))
    names = {host.name for host in fleet.inventory.hosts}
    assert {each["host"] for each in listed} >= names
    assert {each["state"] for each in listed} == {"running"}
    assert all(name in fleet.done("lab", "status") for name in names)
    assert fleet.done("lab", "ssh", "be1", "hostname").strip() == "be1"
    assert fleet.cli("lab", "ssh", "be1", "false").returncode == 1
    unknown = fleet.cli("lab", "ssh", "be9", "true")
    assert (unknown.returncode, "be9" in unknown.stderr) == (2, True)


def test_the_world_behaves_as_it_is_told_and_shows_what_arrived(fleet: Fleet, sender: Account) -> None:
    message = mail(sender.domain, [TO])
    fleet.done("lab", "behave", TO, "defer")
    try:
        with fleet.session(sender) as session:
            queue_id = session.send(f"a@{sender.domain}", [TO], message).queue_id
        deferred = f"grep -c '{queue_id}: to=<{TO}>.*status=deferred' /var/log/mail.log || true"
        backends = [host.name for host in fleet.inventory.group("backends")]
        eventually(lambda: any(int(fleet.shell(name, deferred)) for name in backends), "it is put off")
        assert json.loads(fleet.done("lab", "inbox", TO, "--json")) == []
    finally:
        fleet.done("lab", "behave", TO, "accept")
    with fleet.session(sender) as session:
        session.send(f"a@{sender.domain}", [TO], mail(sender.domain, [TO]))
    eventually(lambda: json.loads(fleet.done("lab", "inbox", TO, "--json")), "it has arrived")
    shown = fleet.done("lab", "inbox", TO)
    assert TO in shown
    assert "pass" in shown
    assert fleet.cli("lab", "behave", TO, "explode").returncode == 2
