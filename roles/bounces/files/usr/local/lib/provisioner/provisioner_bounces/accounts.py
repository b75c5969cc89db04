"""Which accounts have return paths, as the active tenant bundle says."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from pathlib import Path

BUNDLE = Path("/var/lib/provisioner/tenants/current")


@dataclass(frozen=True)
class Account:
    """One account.

    host: address of its list server, None where it has none. suppresses: its plan looks at the customer's
    suppression list.
    """

    customer: str
    tag: str
    host: str | None
    suppresses: bool = True

    def owns(self, tag: str) -> bool:
        """Whether a return path with that tag is the account's. The time it takes tells nothing of it."""
        return hmac.compare_digest(self.tag, tag)


class Accounts:
    """The accounts of the active bundle, read anew when another one is active."""

    def __init__(self, bundle: Path = BUNDLE) -> None:
        self._path = bundle / "bounces"
        self._stamp: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}

    def get(self, login: str) -> Account | None:
        """An account that has return paths; None when there is none. Raises OSError without a bundle."""
        seen = self._path.stat()
        stamp = (seen.st_ino, seen.st_mtime_ns)
        if stamp != self._stamp:
            lines = self._path.read_text(encoding="utf-8").splitlines()
            self._accounts = dict(_parsed(line) for line in lines)
            self._stamp = stamp
        return self._accounts.get(login)


def _parsed(line: str) -> tuple[str, Account]:
    login, facts = line.split(" ", 1)
    said = json.loads(facts)
    suppresses = said.get("suppression") != "off"
    return login, Account(said["customer"], said["tag"], said.get("host"), suppresses)
