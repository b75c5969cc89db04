"""What the active tenant bundle says of each login."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

BUNDLE = Path("/var/lib/provisioner/tenants/current")
FRESH = 0.1


@dataclass(frozen=True)
class Account:
    """One login's facts.

    limits: those of the plan; overrides: limit → (value or None, end in seconds since 1970).
    """

    customer: str
    zone: str
    rejects: bool
    limits: Mapping[str, int]
    overrides: Mapping[str, tuple[int | None, float]] = field(default_factory=dict)
    suspended: str | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    suppresses: bool = True
    own_counter: str = ""

    @property
    def counter(self) -> str:
        """Under which name its mail is counted: the customer's, or its own when it has a plan of its own."""
        return self.own_counter or self.customer

    def limit(self, name: str, now: float) -> int | None:
        """The limit that holds now; None when there is none."""
        value, end = self.overrides.get(name, (None, 0))
        return value if now < end else self.limits.get(name)

    def admits(self, client: str) -> bool:
        """Whether the account may be used from the address `client`, or from what is none."""
        if not self.networks:
            return True
        try:
            address = ip_address(client)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def parse(line: bytes) -> Account:
    """An account from its JSON. Raises ValueError, KeyError or TypeError when it is not one."""
    facts: dict[str, Any] = json.loads(line)
    return Account(
        customer=facts["customer"],
        zone=facts["time_zone"],
        rejects=facts["above_limit"] == "reject",
        limits=facts["limits"],
        overrides={name: (value, end) for name, (value, end) in facts.get("overrides", {}).items()},
        suspended=facts.get("suspended"),
        networks=tuple(ip_network(network) for network in facts.get("networks", ())),
        suppresses=facts.get("suppression") != "off",
        own_counter=facts.get("counter", ""),
    )


class Accounts:
    """The accounts of the active bundle. A switch counts within FRESH seconds."""

    def __init__(self, bundle: Path = BUNDLE, now: Callable[[], float] = time.monotonic) -> None:
        self._path = bundle / "accounts"
        self._now = now
        self._looked = -FRESH
        self._stamp: tuple[int, int] | None = None
        self._lines: dict[bytes, bytes] = {}
        self._parsed: dict[str, Account] = {}

    def get(self, login: str) -> Account | None:
        """The account of a login; None when there is none. Raises OSError when there is no bundle."""
        now = self._now()
        if now - self._looked >= FRESH:
            self._look()
            self._looked = now
        account = self._parsed.get(login)
        if account is None and (line := self._lines.get(login.encode())) is not None:
            account = self._parsed[login] = parse(line)
        return account

    def _look(self) -> None:
        seen = self._path.stat()
        stamp = (seen.st_ino, seen.st_mtime_ns)
        if stamp != self._stamp:
            lines = self._path.read_bytes().splitlines()
            self._lines = dict(line.split(b" ", 1) for line in lines)
            self._parsed = {}
            self._stamp = stamp
