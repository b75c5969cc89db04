"""Property 1: accepted means safe, whatever dies. What was accepted is counted against what was received."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from provisioner.adapters.submission import Refused
from tests.fleet.fleet import ARRIVAL, Account, Fleet, eventually, mail
from tests.fleet.stream import Stream

MAILS = 300
EACH_WAY = 5


@pytest.fixture
def stream(fleet: Fleet, sender: Account) -> Stream:
    return Stream(fleet, sender, MAILS)


@pytest.fixture(autouse=True)
def _whole_again(fleet: Fleet) -> Iterator[None]:
    """Whatever machine a test stopped runs again before the next one starts."""
    yield
    fleet.machines.up(lambda _: None)


def test_a_frontend_burns_with_its_storage(fleet: Fleet, sender: Account, stream: Stream) -> None:
    stream.start()
    stream.await_accepted(MAILS // 3)
    fleet.machines.destroy(["fe1"])
    try:
        stream.finish()
        stream.assert_nothing_lost()
    finally:
        fleet.done("lab", "up", "--limit", "fe1", timeout=900)
    fleet.done("deploy", "--check", "--limit", "fe1")
    ask = ("sh", "-c", 'read -r secret; exec doveadm auth test "$0" "$secret"', sender.login)
    password = f"{sender.password}\n".encode()
    eventually(lambda: fleet.on("fe1", *ask, stdin=password).ok, "the rebuilt frontend knows its tenants")


def test_a_backend_is_killed_and_comes_back(fleet: Fleet, stream: Stream) -> None:
    stream.start()
    stream.await_accepted(MAILS // 3)
    fleet.machines.signal("be1", "KILL")
    stream.await_accepted(MAILS // 2)
    fleet.machines.up(lambda _: None)
    stream.finish()
    stream.assert_nothing_lost()


def test_the_load_balancer_with_the_address_dies(fleet: Fleet, stream: Stream) -> None:
    holder = _holder(fleet)
    stream.start()
    stream.await_accepted(MAILS // 3)
    fleet.machines.signal(holder, "KILL")
    stream.finish()
    stream.assert_nothing_lost()
    assert _holder(fleet) == ({"lb1", "lb2"} - {holder}).pop()


def test_a_backends_disk_is_full(fleet: Fleet, sender: Account, since: float) -> None:
    """Deferred at the door: what the full backend gets is refused for now, and nothing accepted is lost."""
    fleet.shell(
        "be2",
        "systemctl stop postfix; cp -a /var/spool/postfix /var/spool/full"
        " && mount -t tmpfs -o size=100m tmpfs /var/spool/postfix"
        " && cp -a /var/spool/full/. /var/spool/postfix/"
        " && systemctl start postfix && head -c 60M /dev/zero > /var/spool/postfix/filler",
    )
    accepted: list[str] = []
    refused: list[Refused] = []
    # The frontends need a moment to see that be2 is back: until then the other one takes all.
    deadline = time.monotonic() + ARRIVAL
    try:
        while min(len(accepted), len(refused)) < EACH_WAY and time.monotonic() < deadline:
            message = mail(sender.domain, ["full@gmail.test"])
            try:
                with fleet.session(sender) as session:
                    session.send(f"bounce@{sender.domain}", ["full@gmail.test"], message)
                accepted.append(message["Message-ID"])
            except Refused as refusal:
                refused.append(refusal)
        for message_id in accepted:
            fleet.arrived(message_id, since)
    finally:
        fleet.shell(
            "be2",
            "systemctl stop postfix; rm -f /var/spool/postfix/filler; umount /var/spool/postfix"
            "; rm -rf /var/spool/full; systemctl start postfix",
        )
    print(f"{len(accepted)} accepted by the other backend, {len(refused)} refused: {refused[:1]}")
    assert min(len(accepted), len(refused)) >= EACH_WAY
    assert all(refusal.code // 100 == 4 for refusal in refused)


def _holder(fleet: Fleet) -> str:
    """The load balancer that has the virtual address now."""
    address = str(fleet.inventory.settings.virtual_address)

    def look() -> str | None:
        running = {found.host.name for found in fleet.machines.states() if found.state == "running"}
        names = [name for name in ("lb1", "lb2") if name in running]
        found = [name for name in names if f" {address}/" in fleet.on(name, "ip", "-o", "address").text]
        return found[0] if len(found) == 1 else None

    return eventually(look, "one load balancer with the address")
