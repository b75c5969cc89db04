"""What Dovecot is told of logins, and what is remembered of them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from provisioner_quota.accounts import Account, Accounts
from provisioner_quota.bans import Bans, source_of
from provisioner_quota.outage import Outage
from provisioner_quota.web import application
from provisioner_store.store import StoreError


class Recorded:
    """Bans that refuse everybody, or no one; or whose store does not answer."""

    def __init__(self, *, refuse: bool, away: bool = False) -> None:
        self.refuse, self.away = refuse, away
        self.told: list[tuple[str, str]] = []

    async def refused(self, login: str, address: str) -> bool:
        if self.away:
            raise StoreError("gone")
        return self.refuse

    async def note(self, login: str, address: str, now: float) -> None:
        self.told.append(("note", login))

    async def failed(self, login: str, address: str, now: float) -> None:
        self.told.append(("failed", login))

    async def succeeded(self, login: str, address: str) -> None:
        self.told.append(("succeeded", login))


class Two:
    def get(self, login: str) -> Account | None:
        return Account(login, "UTC", rejects=False, limits={}) if login in ("acme", "globex") else None


def asked(bans: Recorded, command: str, *, outage: bool = False, **said: object) -> int:
    async def ask() -> int:
        state = cast(Outage, SimpleNamespace(away=outage))
        app = application(cast(Bans, bans), cast(Accounts, Two()), state)
        async with TestClient(TestServer(app)) as client:
            answer: dict[str, Any] = await (
                await client.post(f"/login?command={command}", json={"remote": "203.0.113.7", **said})
            ).json()
            return int(answer["status"])

    return asyncio.run(ask())


def test_a_refusal_is_noted_for_its_login_if_there_is_one() -> None:
    bans = Recorded(refuse=True)
    assert [asked(bans, "allow", login=login) for login in ("acme", "made-up")] == [-1, -1]
    assert bans.told == [("note", "acme")]
    assert asked(Recorded(refuse=False), "allow", login="acme") == 0
    assert asked(Recorded(refuse=True, away=True), "allow", login="acme") == 0


def test_in_an_outage_nobody_waits_for_the_store() -> None:
    bans = Recorded(refuse=True)
    assert asked(bans, "allow", outage=True, login="acme") == 0
    assert asked(bans, "report", outage=True, login="acme", success=False) == 0
    assert bans.told == []


def test_what_was_refused_without_a_look_at_the_password_is_no_failure() -> None:
    bans = Recorded(refuse=False)
    asked(bans, "report", login="acme", success=True)
    asked(bans, "report", login="acme", success=False)
    asked(bans, "report", login="acme", success=False, policy_reject=True)
    assert bans.told == [("succeeded", "acme"), ("failed", "acme")]


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
    ],
)
def test_what_failures_are_counted_by(address: str, source: str) -> None:
    assert source_of(address) == source
