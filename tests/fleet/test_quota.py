"""A plan is exact: over both frontends, under forty clients, with the counter store dying in between."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from provisioner.adapters.submission import Refused, Submission, Unreachable
from tests.fleet.fleet import LAB, Account, Fleet, eventually, mail

CLIENTS = 40
TRIED = 3_000
DAY = 1_000
PATIENCE = 5
"""Refusals that a client takes in one session: after more, Postfix would slow it down."""
STALE = 100
"""Recipients that one frontend may have counted while the other was asked for none."""


@dataclass
class Rush:
    """Forty clients that try to send more than the plan allows, to one or several recipients each."""

    account: Account
    accepted: dict[str, int] = field(default_factory=dict)
    replies: Counter[str] = field(default_factory=Counter)
    _next: Iterator[int] = field(default_factory=lambda: iter(range(TRIED)))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, fleet: Fleet) -> None:
        """Send through the balancer, which spreads clients over both frontends; return when all is tried."""
        sizes = random.Random(7)  # noqa: S311
        counts = [sizes.choice((1, 1, 2, 3, 7)) for _ in range(TRIED)]
        settings = fleet.inventory.settings
        where = (str(settings.virtual_address), settings.submission_name, counts)
        threads = [threading.Thread(target=self._client, args=where) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(600)
            assert not thread.is_alive()

    def _client(self, address: str, name: str, counts: list[int]) -> None:
        """Send until all are tried, each mail until it is answered; after some refusals in a new session."""
        waiting = self._take()
        while waiting is not None:
            try:
                with Submission(address, name, authority=LAB / "secrets/ca.crt") as session:
                    session.login(self.account.login, self.account.password)
                    refused = 0
                    while waiting is not None and refused < PATIENCE:
                        refused += not self._send(session, waiting, counts[waiting])
                        waiting = self._take()
            except (Unreachable, OSError) as error:
                self.replies[type(error).__name__] += 1
                time.sleep(0.2)

    def _take(self) -> int | None:
        with self._lock:
            return next(self._next, None)

    def _send(self, session: Submission, index: int, count: int) -> bool:
        recipients = [f"quota{index}-{number}@gmail.test" for number in range(count)]
        message = mail(self.account.domain, recipients)
        try:
            session.send(f"bounce@{self.account.domain}", recipients, message)
        except Refused as refused:
            self.replies[f"{refused.code} {refused.text[:50]}"] += 1
            return False
        self.accepted[message["Message-ID"]] = count
        return True


def delivered(fleet: Fleet, rush: Rush, since: float) -> Counter[str]:
    """How often each accepted message arrived, once all have."""

    def look() -> Counter[str] | None:
        found = Counter(each.message_id for each in fleet.world_received(since))
        return found if all(found[each] >= count for each, count in rush.accepted.items()) else None

    return eventually(look, "all that was accepted", 180)


@pytest.mark.parametrize("customer", [("exact", "exact.hooli.example")], indirect=True)
def test_exactly_the_plans_recipients_are_accepted(fleet: Fleet, customer: Account, since: float) -> None:
    rush = Rush(customer)
    rush.run(fleet)
    total = sum(rush.accepted.values())
    print(f"{TRIED} mails tried, {len(rush.accepted)} accepted with {total} recipients; {dict(rush.replies)}")
    assert total == DAY
    counted = json.loads(fleet.done("customer", "usage", customer.customer, "--json"))
    assert [each["today"] for each in counted] == [DAY]
    arrived = delivered(fleet, rush, since)
    assert sum(arrived[each] for each in rush.accepted) == DAY


@pytest.mark.parametrize("customer", [("narrow", "narrow.hooli.example")], indirect=True)
def test_what_a_backend_refuses_is_given_back(fleet: Fleet, customer: Account) -> None:
    with fleet.session(customer) as session:
        for _ in range(4):
            with pytest.raises(Refused) as refused:
                session.send(
                    f"a@{customer.domain}", ["b@gmail.test"] * 2, mail("other.example", ["b@gmail.test"])
                )
            assert refused.value.code == 554
            time.sleep(0.5)
        session.send(f"a@{customer.domain}", ["b@gmail.test"], mail(customer.domain, ["b@gmail.test"]))
        with pytest.raises(Refused, match="the plan allows 4 a message"):
            session.send(
                f"a@{customer.domain}",
                [f"b{n}@gmail.test" for n in range(5)],
                mail(customer.domain, ["b@gmail.test"]),
            )
        session.send(
            f"a@{customer.domain}", [f"b{n}@gmail.test" for n in range(4)], mail(customer.domain, ["b"])
        )
        with pytest.raises(Refused, match="5 of 5 recipients of this day are used") as full:
            session.send(f"a@{customer.domain}", ["b@gmail.test"], mail(customer.domain, ["b"]))
        assert full.value.code == 450


@pytest.mark.parametrize("customer", [("narrow", "broken.hooli.example")], indirect=True)
def test_a_text_that_breaks_off_is_not_counted(fleet: Fleet, customer: Account) -> None:
    recipients = [f"b{number}@gmail.test" for number in range(4)]
    for _ in range(3):
        with fleet.session(customer) as session:
            smtp = session._smtp  # no client that behaves does this
            assert smtp is not None
            smtp.mail(f"a@{customer.domain}")
            for recipient in recipients:
                smtp.rcpt(recipient)
            assert smtp.docmd("DATA")[0] == 354
            time.sleep(0.2)  # long enough to be counted
            smtp.close()
        time.sleep(1)  # the log tells, and is looked at
    with fleet.session(customer) as session:
        session.send(f"a@{customer.domain}", recipients, mail(customer.domain, recipients))


@pytest.mark.parametrize("customer", [("exact", "killed.hooli.example")], indirect=True)
def test_the_counter_store_dies_and_comes_back(fleet: Fleet, customer: Account, since: float) -> None:
    """Nothing accepted is lost, every accepted recipient is counted, and what was accepted is bounded.

    Without the store each of two frontends gives away half of what was left when it last asked; what the
    other counted since then may come on top (docs/operations.md).
    """
    rush = Rush(customer)
    sending = threading.Thread(target=rush.run, args=(fleet,))
    sending.start()
    eventually(lambda: sum(rush.accepted.values()) > DAY // 4, "a quarter of the plan")
    before = sum(rush.accepted.values())
    fleet.shell("state1", "systemctl kill --signal=KILL valkey-server && systemctl stop valkey-server")
    time.sleep(3)
    fleet.shell("state1", "systemctl start valkey-server")
    sending.join(900)
    total = sum(rush.accepted.values())
    print(f"store killed at {before}; {total} recipients accepted of {DAY}; {dict(rush.replies)}")
    assert total <= DAY + STALE

    def counted() -> bool:
        said = json.loads(fleet.done("customer", "usage", customer.customer, "--json"))
        return bool(said[0]["today"] == total)

    eventually(counted, "every accepted recipient counted")
    delivered(fleet, rush, since)


@pytest.mark.parametrize("customer", [("exact", "stopped.hooli.example")], indirect=True)
def test_suspension_reaches_a_session_that_is_logged_in(fleet: Fleet, customer: Account) -> None:
    sender, message = f"a@{customer.domain}", mail(customer.domain, ["b@gmail.test"])
    with fleet.session(customer) as session:
        session.send(sender, ["b@gmail.test"], message)
        fleet.done("customer", "suspend", customer.customer, "--reason", "invoice 4711 is unpaid")
        with pytest.raises(Refused, match="suspended: invoice 4711 is unpaid; contact ") as refused:
            session.send(sender, ["b@gmail.test"], message)
        assert refused.value.code == 554
        fleet.done("customer", "resume", customer.customer)
        session.send(sender, ["b@gmail.test"], mail(customer.domain, ["b@gmail.test"]))
