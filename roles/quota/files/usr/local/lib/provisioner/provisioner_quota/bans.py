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
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found.ipv4_mapped if isinstance(found, IPv6Address) else found)


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

    async def note(self, login: str, address: str, now: float) -> None:
        """A login was refused: its customer is told of its source's ban, though others failed from there."""
        source = source_of(address)
        key = f"ban:source:{source}"
        failures, left = await self._store.call("GET", key), await self._store.call("TTL", key)
        if failures is not None and left > 0:
            await self._store.call("HSET", f"bans:{login}", source, f"{failures} {int(now) + left}")
            await self._store.call("EXPIRE", f"bans:{login}", BAN)

    async def failed(self, login: str, address: str, now: float) -> None:
        """A password was wrong."""
        source = source_of(address)
        keys = [
            f"failures:source:{source}",
            f"failures:login:{login}",
            f"ban:source:{source}",
            f"ban:login:{login}",
        ]
        limits = (WINDOW, MOST_FROM_SOURCE, MOST_AT_ACCOUNT, BAN)
        await self._store.run(self._failed, keys, [*limits, source, login, int(now)])

    async def succeeded(self, login: str, address: str) -> None:
        """A password was right: the source is known to the account from now on.

        What failed from there at other accounts stays counted: who has one may not guess at others.
        """
        source = source_of(address)
        await self._store.call("SET", f"known:{login}:{source}", 1, "EX", TRUSTED)
        await self._store.call("HDEL", f"failures:source:{source}", login)

    async def of(self, login: str, now: float) -> list[dict[str, str | int]]:
        """The bans that keep people from `login`: source (or EVERYBODY), failures, seconds it still lasts."""
        found = await self._store.call("HGETALL", f"bans:{login}")
        bans: list[dict[str, str | int]] = []
        for source, said in zip(found[::2], found[1::2], strict=True):
            failures, until = (int(float(number)) for number in said.split())
            # It may have been lifted for another login that was refused for it.
            if until > now and await self._store.call("EXISTS", _ban(login, source)):
                bans.append({"source": source, "failures": failures, "seconds": int(until - now)})
        return bans

    async def lift(self, login: str) -> int:
        """End the bans that keep people from `login`; how many there were."""
        sources = await self._store.call("HKEYS", f"bans:{login}")
        keys = [
            key for source in sources for key in (_ban(login, source), _ban(login, source, what="failures"))
        ]
        if keys:
            await self._store.call("DEL", *keys, f"bans:{login}")
        return len(sources)


def _ban(login: str, source: str, *, what: str = "ban") -> str:
    """The key of a ban that keeps somebody from a login, or of the failures that lead to it."""
    return f"{what}:login:{login}" if source == EVERYBODY else f"{what}:source:{source}"
