"""A stream of mail from clients that behave as mail servers do: what is not accepted is tried again."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from provisioner.adapters.submission import Refused, Submission, Unreachable
from tests.fleet.fleet import LAB, Account, Fleet, mail

CLIENTS = 6
PATIENCE = 90.0
"""Seconds that a client tries one message before it gives up."""


@dataclass
class Stream:
    """Sends `count` mails of an account from several clients; what happened stands in its fields."""

    fleet: Fleet
    account: Account
    count: int
    accepted: set[str] = field(default_factory=set)
    given_up: list[str] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)
    since: float = field(default_factory=lambda: time.time() - 1)

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._client, args=(number,), daemon=True) for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def await_accepted(self, count: int) -> None:
        """Return when so many were accepted."""
        deadline = time.monotonic() + PATIENCE
        while len(self.accepted) < count:
            assert time.monotonic() < deadline, f"{len(self.accepted)} of {count} accepted; {self.trouble}"
            time.sleep(0.05)

    def finish(self) -> None:
        """Return when every client is done."""
        for thread in self._threads:
            thread.join(PATIENCE * 3)
            assert not thread.is_alive()

    def _client(self, number: int) -> None:
        for index in range(number, self.count, CLIENTS):
            self._deliver(f"stream{index}@gmail.test")

    def _deliver(self, recipient: str) -> None:
        message = mail(self.account.domain, [recipient])
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with self._session() as session:
                    session.login(self.account.login, self.account.password)
                    session.send(f"bounce@{self.account.domain}", [recipient], message)
            except Refused as refused:
                self.trouble[f"{refused.stage.split()[0]} {refused.code} {refused.text[:60]}"] += 1
                if refused.code // 100 == 5:
                    break
            except (Unreachable, OSError) as error:
                self.trouble[type(error).__name__] += 1
            else:
                self.accepted.add(message["Message-ID"])
                return
            time.sleep(0.3)
        self.given_up.append(recipient)

    def _session(self) -> Submission:
        settings = self.fleet.inventory.settings
        address = str(settings.virtual_address)
        return Submission(address, settings.submission_name, authority=LAB / "secrets/ca.crt")

    def assert_nothing_lost(self, seconds: float = 180) -> None:
        """Every accepted message is in the world; says how many came twice, as SMTP allows."""
        deadline = time.monotonic() + seconds
        while True:
            copies = Counter(each.message_id for each in self.fleet.world_received(self.since))
            missing = self.accepted - copies.keys()
            if not missing or time.monotonic() > deadline:
                break
            time.sleep(1)
        doubled = sum(copies[each] - 1 for each in self.accepted & copies.keys())
        print(f"{len(self.accepted)} accepted, {len(missing)} lost, {doubled} doubled; {dict(self.trouble)}")
        assert not missing, f"{len(missing)} of {len(self.accepted)} accepted mails were lost"
        assert not self.given_up, f"{len(self.given_up)} mails were never accepted; {self.trouble}"
