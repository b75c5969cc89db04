"""What becomes of mail when a receiver defers, rejects or is slow."""

from __future__ import annotations

import time

import pytest

from tests.fleet.fleet import Account, Fleet, eventually, mail
from tests.fleet.paced import Paced


def test_a_deferred_message_waits_and_arrives_later(fleet: Fleet, sender: Account, since: float) -> None:
    recipient = "later@gmail.test"
    message = mail(sender.domain, [recipient])
    with fleet.behaviour(recipient, "defer"):
        with fleet.session(sender) as session:
            queue_id = session.send(f"bounce@{sender.domain}", [recipient], message).queue_id
        assert queue_id is not None
        eventually(lambda: _attempted(fleet, queue_id), "a first attempt")
        assert fleet.queued(queue_id)
    for host in fleet.inventory.group("backends"):
        fleet.on(host.name, "postqueue", "-f")
    received = fleet.arrived(message["Message-ID"], since)
    assert fleet.proof_of(received).faults == ()
    eventually(lambda: not fleet.queued(queue_id), "an empty queue")


def test_the_signers_change_of_configuration_refuses_nobody(fleet: Fleet, sender: Account) -> None:
    backends = [host.name for host in fleet.inventory.group("backends")]
    started = {name: fleet.shell(name, "systemctl show -P MainPID rspamd") for name in backends}
    with Paced(fleet, sender, 20) as stream:
        for _ in range(3):
            for name in backends:
                fleet.shell(name, "systemctl reload rspamd")
                time.sleep(1)
    assert not stream.refused
    assert len(stream.sent) > 60
    assert started == {name: fleet.shell(name, "systemctl show -P MainPID rspamd") for name in backends}


@pytest.mark.parametrize(
    ("receiver", "transport"),
    [
        ("gmail.test", "google/smtp"),
        ("outlook.test", "microsoft/smtp"),
        ("libero.test", "italiaonline/smtp"),
        ("mailbox.test", "smtp"),
    ],
)
def test_mail_to_a_big_receiver_goes_by_its_own_transport(
    fleet: Fleet, sender: Account, since: float, receiver: str, transport: str
) -> None:
    recipient = f"by-transport@{receiver}"
    message = mail(sender.domain, [recipient])
    with fleet.session(sender) as session:
        queue_id = session.send(f"bounce@{sender.domain}", [recipient], message).queue_id
    fleet.arrived(str(message["Message-ID"]), since)
    look = f"grep -ohE 'postfix/[a-z/-]+\\[[0-9]+\\]: {queue_id}: to=<{recipient}>' /var/log/mail.log || true"
    backends = fleet.inventory.group("backends")

    def lines() -> str:
        return "".join(fleet.shell(host.name, look) for host in backends)

    assert eventually(lines, "its line in a log").startswith(f"postfix/{transport}[")


def test_a_rejected_message_comes_back_to_the_return_path(
    fleet: Fleet, sender: Account, since: float
) -> None:
    recipient, back = "nobody@gmail.test", f"bounce-{time.time_ns()}@{sender.domain}"
    message = mail(sender.domain, [recipient])
    with fleet.behaviour(recipient, "reject"):
        with fleet.session(sender) as session:
            session.send(back, [recipient], message)

        def notified() -> list[bytes]:
            return [each.raw for each in fleet.world_received(since) if each.recipient == back]

        (dsn,) = eventually(notified, "a delivery status notification")
    assert b"Content-Type: message/delivery-status" in dsn
    assert b"Status: 5.1.1" in dsn
    assert message["Message-ID"].encode() in dsn


def test_a_slow_recipient_holds_up_nobody_else(fleet: Fleet, sender: Account, since: float) -> None:
    slow, quick = "slow@yahoo.test", "quick@gmail.test"
    waiting, other = mail(sender.domain, [slow]), mail(sender.domain, [quick])
    with fleet.behaviour(slow, "slow:20"):
        with fleet.session(sender) as session:
            session.send(f"bounce@{sender.domain}", [slow], waiting)
            session.send(f"bounce@{sender.domain}", [quick], other)
        fleet.arrived(other["Message-ID"], since)
        assert waiting["Message-ID"] not in {each.message_id for each in fleet.world_received(since)}
        fleet.arrived(waiting["Message-ID"], since)


def _attempted(fleet: Fleet, queue_id: str) -> bool:
    return any(
        fleet.on(host.name, "grep", "-q", f"{queue_id}: to=.*status=deferred", "/var/log/mail.log").ok
        for host in fleet.inventory.group("backends")
    )
