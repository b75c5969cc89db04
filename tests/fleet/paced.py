"""A steady stream of mail over sessions that stay open: so many a second, without a pause."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from tests.fleet.fleet import Account, Fleet, mail

CLIENTS = 5


@dataclass
class Paced:
    """Sends `rate` mails a second until stopped. sent: Message-IDs; refused: what went wrong."""

    fleet: Fleet
    account: Account
    rate: float
    sent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    since: float = field(default_factory=lambda: time.time() - 1)

    def __enter__(self) -> Paced:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(CLIENTS)
        ]
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        self.seconds = time.monotonic() - self._begun

    def _client(self, number: int) -> None:
        turn = 0
        try:
            while not self._stop.is_set():
                with self.fleet.session(self.account) as session:
                    # A frontend ends a session after a while; a client opens the next.
                    for _ in range(100):
                        due = self._begun + (turn * CLIENTS + number) / self.rate
                        time.sleep(max(0.0, due - time.monotonic()))
                        if self._stop.is_set():
                            return
                        turn += 1
                        message = mail(self.account.domain, [f"reader{number}@gmail.test"])
                        session.send(f"bounce@{self.account.domain}", [f"reader{number}@gmail.test"], message)
                        self.sent.append(str(message["Message-ID"]))
        except Exception as error:
            self.refused.append(f"{type(error).__name__}: {error}")
