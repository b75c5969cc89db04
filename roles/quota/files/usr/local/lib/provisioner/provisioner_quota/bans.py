"""Failed logins, counted over all frontends: who fails too often is refused for a while.

A source that fails too often is banned for every account. An account at which too many fail is closed to
sources that were never used for it: so whoever guesses at a customer's password can't lock the customer out.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path

from provisioner_store.store import Script, Store

WINDOW = 600
"""Seconds within which failures add up."""
MOST_FROM_SOURCE = 10
MOST_AT_ACCOUNT = 50
BAN = 900
"""Seconds that a ban lasts."""
TRUSTED = 30 * 86_400
"""Seconds that a source is known to an account after a login that was right."""


EVERYBODY = "*"
"""In place of a source: all that were never used for the login."""


def source_of(address: str) -> str:
    """What failures are counted by: an IPv4 address, or an IPv6 network of 64 bits, which one site has."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


class Bans:
    """The bans in the store. Every method raises StoreError when it can't be asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._failed = Script((Path(__file__).parent / "failed.lua").read_text())

    async def refused(self, login: str, address: str) -> bool:
        """Whether a login from there is to be refused without a look at its password."""
        source = source_of(address)
        by_source, by_login, known = await self._store.call(
            "MGET", f"ban:source:{source}", f"ban:login:{login}", f"known:{login}:{source}"
        )
        return by_source is not None or (by_login is not None and known is None)

    async def failed(self, login: str, address: str, now: float) -> None:
        """A password was wrong."""
        source = source_of(address)
        keys = [
            f"failed:source:{source}",
            f"failed:login:{login}",
            f"ban:source:{source}",
            f"ban:login:{login}",
            f"tried:source:{source}",
        ]
        limits = (WINDOW, MOST_FROM_SOURCE, MOST_AT_ACCOUNT, BAN)
        await self._store.run(self._failed, keys, [*limits, source, login, int(now)])

    async def succeeded(self, login: str, address: str) -> None:
        """A password was right: the source is known to the account from now on."""
        source = source_of(address)
        await self._store.call("SET", f"known:{login}:{source}", 1, "EX", TRUSTED)
        await self._store.call("DEL", f"failed:source:{source}", f"tried:source:{source}")

    async def of(self, login: str, now: float) -> list[dict[str, str | int]]:
        """The bans that keep people from `login`: source (or EVERYBODY), failures, seconds it still lasts."""
        found = await self._store.call("HGETALL", f"bans:{login}")
        bans: list[dict[str, str | int]] = []
        for source, said in zip(found[::2], found[1::2], strict=True):
            failures, until = (int(float(number)) for number in said.split())
            if until > now:
                bans.append({"source": source, "failures": failures, "seconds": int(until - now)})
        return bans

    async def lift(self, login: str) -> int:
        """End the bans that keep people from `login`; how many there were."""
        sources = await self._store.call("HKEYS", f"bans:{login}")
        keys = [
            f"{what}:login:{login}" if source == EVERYBODY else f"{what}:source:{source}"
            for source in sources
            for what in ("ban", "failed")
        ]
        if keys:
            await self._store.call("DEL", *keys, f"bans:{login}")
        return len(sources)
