"""The bounce service by real LMTP, with a list server that speaks TLS; the store alone is made up."""

from __future__ import annotations

import asyncio
import json
import smtplib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP
from provisioner_bounces.__main__ import Server
from provisioner_bounces.accounts import Accounts
from provisioner_bounces.bounce_kinds import Kind, ReturnPath
from provisioner_bounces.forward import Forwarder, marked
from provisioner_bounces.service import LATER, NOT_OURS, Bounces
from provisioner_store.store import StoreError
from provisioner_store.suppressions import Suppressions

from provisioner.adapters import pki
from tests.unit.bounces.test_reports import ANNA, arf, dsn

NOW = datetime(2026, 11, 26, 13, tzinfo=UTC)
TAKEN = int(datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp())
PATH = "acme-dem.news.8f3a01c2+anna=gmail.test@bounce.operator.example"
ALONE = "solo.list.00000001+anna=gmail.test@bounce.operator.example"
GONE = dsn("5.1.1", "550 5.1.1 no such user")


@dataclass
class Lists:
    """Suppression lists that remember, or a store that is away."""

    on: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    away: bool = False

    async def add(self, customer: str, entries: list[list[Any]]) -> int:
        if self.away:
            raise StoreError("no route to host")
        ((address, *why),) = entries
        fresh = (customer, address) not in self.on
        self.on.setdefault((customer, address), why)
        return int(fresh)


@dataclass
class ListServer:
    """A list server that keeps what it takes. answer: to the end of the data."""

    answer: str = "250 ok"
    mail: list[tuple[str, list[str], bytes]] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        if session.ssl is None:
            return "530 5.7.0 TLS first"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mail.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return self.answer


@dataclass
class World:
    """The service, what it works with, and Postfix's way to it."""

    lists: Lists
    server: ListServer
    socket: Path
    bundle: Path

    async def say(self, recipient: str, raw: bytes, sender: str = "") -> str:
        """Hand over one message as Postfix does; the answer to its recipient, or to its end."""
        return await asyncio.to_thread(self._say, recipient, raw, sender)

    def _say(self, recipient: str, raw: bytes, sender: str) -> str:
        with smtplib.LMTP(str(self.socket)) as lmtp:
            lmtp.ehlo()
            assert lmtp.mail(sender)[0] == 250
            code, said = lmtp.rcpt(recipient)
            if code == 250:
                code, said = lmtp.data(raw)
            return f"{code} {said.decode()}"


def certificate(folder: Path, authority: pki.KeyPair, name: str) -> dict[str, str]:
    pair = pki.issue(authority, (name,), datetime.now(UTC))
    for end, content in {"crt": pair.certificate, "key": pair.key}.items():
        (folder / f"{name}.{end}").write_bytes(content)
    (folder / "ca.crt").write_bytes(authority.certificate)
    return {
        "name": name,
        "authority": str(folder / "ca.crt"),
        "certificate": str(folder / f"{name}.crt"),
        "key": str(folder / f"{name}.key"),
    }


def bundle(folder: Path, **accounts: dict[str, Any]) -> None:
    lines = (f"{login.replace('_', '-')} {json.dumps(facts)}\n" for login, facts in accounts.items())
    (folder / "bounces").write_text("".join(lines))


def run(
    tmp_path: Path, use: Callable[[World], Awaitable[None]], *, stranger: bool = False, plain: bool = False
) -> None:
    """Run a scene. stranger: the list server's certificate is of another authority. plain: it has none."""
    authority = pki.make_authority("test", datetime.now(UTC))
    settings = certificate(tmp_path, authority, "be1.operator.example")
    other = tmp_path / "other"
    other.mkdir()
    theirs = pki.make_authority("other", datetime.now(UTC)) if stranger else authority
    facts = certificate(other, theirs, "dem1.operator.example")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings["authority"])
    tls.verify_mode = ssl.CERT_REQUIRED  # a list server takes mail from backends alone
    tls.load_cert_chain(facts["certificate"], facts["key"])

    async def scene() -> None:
        loop, server = asyncio.get_running_loop(), ListServer()
        listening = await loop.create_server(
            lambda: SMTP(server, hostname="dem1", tls_context=None if plain else tls, loop=loop),
            "127.0.0.1",
            0,
        )
        port = listening.sockets[0].getsockname()[1]
        bundle(
            tmp_path,
            acme_dem={"customer": "acme", "tag": "8f3a01c2", "host": "127.0.0.1"},
            solo={"customer": "solo", "tag": "00000001", "host": None},
            quiet={"customer": "quiet", "tag": "00000002", "host": None, "suppression": "off"},
        )
        lists = Lists()
        bounces = Bounces(
            Accounts(tmp_path),
            cast(Suppressions, lists),
            Forwarder(settings, port),
            "bounce.operator.example",
            NOW.timestamp,
        )
        path = tmp_path / "lmtp.sock"
        postfix = socket.socket(socket.AF_UNIX)
        postfix.bind(str(path))
        lmtp = await loop.create_server(lambda: Server(bounces, hostname="be1", loop=loop), sock=postfix)
        async with listening, lmtp:
            await use(World(lists, server, path, tmp_path))

    asyncio.run(scene())


def test_who_is_gone_is_written_to_no_more_and_the_list_server_learns_it(tmp_path: Path) -> None:
    async def use(world: World) -> None:
        for _ in range(2):  # Postfix repeats what it got no answer to
            assert (await world.say(PATH, GONE)).startswith("250")
        entry = ["bounce", TAKEN, "5.1.1 550 5.1.1 no such user"]
        assert world.lists.on == {("acme", ANNA): entry}
        sender, recipients, raw = world.server.mail[0]
        assert (sender, recipients) == ("<>", [PATH])
        header, _, rest = raw.partition(b"\r\n")
        assert (
            header == b"X-Provisioner-Bounce: kind=hard; list=news; recipient=anna@gmail.test; status=5.1.1"
        )
        assert rest == GONE

    run(tmp_path, use)


def test_a_complaint_counts_at_once_and_without_a_list_server(tmp_path: Path) -> None:
    async def use(world: World) -> None:
        said = await world.say(ALONE, arf("Feedback-Type: abuse\n"), "feedback@gmail.test")
        assert said.startswith("250")
        assert world.lists.on[("solo", ANNA)][0] == "complaint"
        assert world.server.mail == []

    run(tmp_path, use)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (dsn("5.2.2", "552 mailbox full"), "full"),
        (dsn("4.4.1", "timed out"), "soft"),
        (dsn("5.7.1", "blocked for spam"), "blocked"),
        (b"From: anna@gmail.test\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n", "autoreply"),
        (b"From: anna@gmail.test\r\n\r\nThanks!\r\n", "unidentified"),
    ],
)
def test_what_can_mend_puts_nobody_on_a_list(tmp_path: Path, raw: bytes, kind: str) -> None:
    async def use(world: World) -> None:
        assert (await world.say(PATH, raw)).startswith("250")
        assert world.lists.on == {}
        assert message_from_bytes(world.server.mail[0][2])["X-Provisioner-Bounce"].startswith(f"kind={kind};")

    run(tmp_path, use)


@pytest.mark.parametrize(
    "recipient",
    [
        PATH.replace("8f3a01c2", "8f3a01c3"),
        PATH.replace("acme-dem", "acme-dom"),
        PATH.replace("bounce.operator", "bounce.elsewhere"),
        "postmaster@bounce.operator.example",
    ],
)
def test_what_nobody_has_is_refused(tmp_path: Path, recipient: str) -> None:
    async def use(world: World) -> None:
        assert await world.say(recipient, GONE) == NOT_OURS
        assert world.lists.on == {}

    run(tmp_path, use)


def test_whom_it_was_for_is_never_guessed(tmp_path: Path) -> None:
    async def use(world: World) -> None:
        path = "acme-dem.news.8f3a01c2@bounce.operator.example"
        assert (await world.say(path, GONE)).startswith("250")
        assert world.lists.on == {}
        assert b"kind=hard; list=news; status=5.1.1\r\n" in world.server.mail[0][2]

    run(tmp_path, use)


def test_a_plan_that_looks_at_no_list_gets_none(tmp_path: Path) -> None:
    async def use(world: World) -> None:
        assert (await world.say(ALONE.replace("solo.list.00000001", "quiet.list.00000002"), GONE))[
            :3
        ] == "250"
        assert world.lists.on == {}

    run(tmp_path, use)


def test_a_clock_that_is_ahead_does_not_count(tmp_path: Path) -> None:
    async def use(world: World) -> None:
        assert (await world.say(PATH, GONE.replace(b"2026 12:00", b"2036 12:00"))).startswith("250")
        assert world.lists.on[("acme", ANNA)][1] == int(NOW.timestamp())

    run(tmp_path, use)


def test_postfix_keeps_what_can_not_be_done_now(tmp_path: Path) -> None:
    async def use(world: World) -> None:
        world.lists.away = True
        assert await world.say(PATH, GONE) == LATER
        world.lists.away = False
        world.server.answer = "452 disk full"
        assert await world.say(PATH, GONE) == LATER
        world.server.answer = "554 never"
        assert (await world.say(PATH, GONE)).startswith("554 5.0.0 the list server said: 554 never")
        bundle(world.bundle, acme_dem={"customer": "acme", "tag": "8f3a01c2", "host": "127.0.0.9"})
        assert await world.say(PATH, GONE) == LATER
        (world.bundle / "bounces").write_text("not a bundle\n")
        assert await world.say(PATH, GONE) == LATER
        (world.bundle / "bounces").unlink()
        assert await world.say(PATH, GONE) == LATER
        bundle(world.bundle, solo={"customer": "solo", "tag": "00000001", "host": None})
        assert await world.say(PATH, GONE) == NOT_OURS
        assert (await world.say(ALONE, GONE)).startswith("250")

    run(tmp_path, use)


@pytest.mark.parametrize("how", ["stranger", "plain"])
def test_nobody_else_is_taken_for_the_list_server(tmp_path: Path, how: str) -> None:
    async def use(world: World) -> None:
        assert await world.say(PATH, GONE) == LATER
        assert world.server.mail == []

    run(tmp_path, use, **{how: True})


def test_one_recipient_at_a_time(tmp_path: Path) -> None:
    def two(path: Path) -> list[int]:
        with smtplib.LMTP(str(path)) as lmtp:
            lmtp.ehlo()
            lmtp.mail("")
            return [lmtp.rcpt(PATH)[0], lmtp.rcpt(ALONE)[0]]

    async def use(world: World) -> None:
        assert await asyncio.to_thread(two, world.socket) == [250, 452]

    run(tmp_path, use)


FORGED = [
    b"X-Provisioner-Bounce: kind=hard; recipient=bob@gmail.test\r\n",
    b"x-provisioner-bounce : kind=hard;\r\n\trecipient=bob@gmail.test\r\n",
    b"Subject: x\rX-Provisioner-Bounce: kind=hard\r\n",
    b"Subject: x\nX-Provisioner-Bounce: kind=hard\nX: y\r\n",
]


@pytest.mark.parametrize("forged", FORGED)
def test_a_header_that_came_along_goes(forged: bytes) -> None:
    path = ReturnPath("acme", "news", "8f3a01c2", ANNA)
    raw = b"From: a@b.test\r\n" + forged + b"To: c@d.test\r\n\r\nX-Provisioner-Bounce: in the text\r\n"
    message = message_from_bytes(marked(raw, path, Kind.SOFT, "4.4.1"))
    assert message.get_all("X-Provisioner-Bounce") == [
        "kind=soft; list=news; recipient=anna@gmail.test; status=4.4.1"
    ]
    assert message["To"] == "c@d.test"
    assert message.get_payload() == "X-Provisioner-Bounce: in the text\r\n"


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"no headers", b"\r\n\r\nX-Provisioner-Bounce: text\r\n", GONE]
)
def test_all_else_stays(raw: bytes) -> None:
    given = marked(raw, ReturnPath("acme", "news", "8f3a01c2"), Kind.HARD, "")
    assert given == b"X-Provisioner-Bounce: kind=hard; list=news\r\n" + raw
