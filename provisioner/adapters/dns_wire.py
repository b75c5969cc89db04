"""DNS questions over the wire: one question to one server, and its answer or how it failed to give one."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from provisioner.adapters import dns_reader, dnssec
from provisioner.adapters.dns_messages import Reply, owner, read
from provisioner.core.answers import Answer, Chain, Dnssec, Outcome

PORT = 53
AT_ONCE, AT_ONE_SERVER = 256, 32
"""Questions under way in all, and at any one server, which serves others too."""
_TRIES, _PATIENCE = 2, 2
_REST = 10.0
"""Seconds that a silent server is left alone before one question tries whether it is back."""
_PORTS = 4
"""Sockets for one server: whoever wants to answer in its stead has to guess which, besides the number."""

_QR, _TC, _RD = 0x80, 0x02, 0x01
# Recursive servers are to tell what is there even where they find a signature wrong: `dnssec` tells that.
_CD = 0x10
_HEADER = 12  # bytes
_INTERNET = b"\0\1"
_NONE, _RECURSE = bytes([0, 0]), bytes([_RD, _CD])
# One question, and in the additional section an OPT record (RFC 6891 6.1.2) that takes 1232 bytes, which fit
# through every path without fragments (DNS flag day 2020).
_HEAD, _PLAIN_HEAD = bytes.fromhex("0001 0000 0000 0001"), bytes.fromhex("0001 0000 0000 0000")
_OPT = bytes.fromhex("00 0029 04d0 00000000 0000")
_BEFORE_EDNS = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})
"""What a server may say for want of EDNS alone (RFC 6891 7)."""


class _NotUnderstoodError(dns.exception.DNSException):
    """What came was no answer to what was asked."""


@dataclass(frozen=True)
class Question:
    """What is asked of whom. authority: the server has to know it by itself; else it may ask others."""

    server: str
    name: str
    kind: str
    authority: bool


class Wire:
    """Asks servers. One that kept silent twice in a row is left alone for a while: a page of records would
    otherwise take minutes to say the same of each.

    A recursive server may be silent about a name because it waits for others itself: such is left alone only
    while it does not answer either what it can know without them.
    """

    def __init__(self, *, port: int = PORT, timeout: float = 3.0, remember: bool = False) -> None:
        """`remember`: a question is asked once. For runs that look, not for those that wait for a change."""
        self._port, self._timeout = port, timeout
        self._silences: dict[tuple[str, bool], _Silence] = defaultdict(_Silence)
        self._all = asyncio.Semaphore(AT_ONCE)
        self._servers: dict[str, _Server] = defaultdict(_Server)
        self._known: dict[Question, asyncio.Task[Answer]] | None = {} if remember else None

    async def ask(self, question: Question, label: str = "") -> Answer:
        """A server's answer, by TCP where UDP is too small. Tries twice. label: its name for people."""
        if self._known is None:
            return await self._ask(question, label)
        if question not in self._known:
            self._known[question] = asyncio.create_task(self._ask(question, label))
        # Others may wait for the same answer when one of them gives up.
        return await asyncio.shield(self._known[question])

    async def _ask(self, question: Question, label: str) -> Answer:
        message = await self._message(question)
        name, kind, server = question.name, question.kind, label or question.server
        return read(message, name, kind, server, authority=question.authority)

    async def _message(self, question: Question) -> Reply:
        try:
            asked = _wire_form(question)
        except dns.exception.DNSException:
            return Outcome.MALFORMED
        server = self._servers[question.server]
        silence = self._silences[question.server, question.authority]
        async with server.gate, self._all:
            if silence.lasts():
                # Nobody was asked, so nothing is to be remembered.
                self._forget(question)
                return Outcome.TIMEOUT
            message = await self._tried(asked, question)
            if message is Outcome.TIMEOUT and (question.authority or not await self._is_there(question)):
                silence.more()
            else:
                silence.count = 0
            return message

    async def _tried(self, asked: bytes, question: Question) -> Reply:
        for _ in range(_TRIES):
            try:
                return await self._send(asked, question)
            except (TimeoutError, dns.exception.Timeout, OSError, EOFError):
                continue
            except dns.exception.DNSException:
                return Outcome.MALFORMED
        return Outcome.TIMEOUT

    async def _is_there(self, question: Question) -> bool:
        """Whether a recursive server answers a question for which it needs no other's answer."""
        root = replace(question, name=".", kind="NS")
        try:
            await self._send(_wire_form(root), root)
        except (TimeoutError, OSError, EOFError, dns.exception.Timeout):
            return False
        except dns.exception.DNSException:
            return True
        return True

    def _forget(self, question: Question) -> None:
        if self._known is not None:
            self._known.pop(question, None)

    async def _send(self, asked: bytes, question: Question) -> dns.message.Message:
        message = await self._send_once(asked, question, _OPT)
        if message.rcode() in _BEFORE_EDNS:
            message = await self._send_once(asked, question, b"")
        return message

    async def _send_once(self, asked: bytes, question: Question, opt: bytes) -> dns.message.Message:
        port = secrets.choice(await self._servers[question.server].ports(question.server, self._port))
        answer = await port.ask(asked, _NONE if question.authority else _RECURSE, self._timeout, opt)
        if not answer[2] & _TC:
            return dns_reader.parse(answer, owner(question.name), len(asked))
        query = dns.message.make_query(owner(question.name), question.kind)
        if question.authority:
            query.flags &= ~dns.flags.RD
        else:
            query.flags |= dns.flags.CD
        return await dns.asyncquery.tcp(query, question.server, self._timeout, self._port)

    async def dnssec(self, zone: str, above: Sequence[str], server: str, label: str = "") -> Dnssec:
        """How it stands with a signed zone at a server; above: its DS records."""
        try:
            async with self._servers[server].gate, self._all:
                warning = await dnssec.verify(zone, above, server, self._port, self._timeout)
        except dnssec.BrokenError as error:
            return Dnssec(zone, Chain.BROKEN, str(error), label or server)
        except (TimeoutError, OSError, EOFError, dns.exception.DNSException) as error:
            return Dnssec(zone, Chain.UNKNOWN, f"its keys can't be had: {error}", label or server)
        state = Chain.ENDING if warning else Chain.SIGNED
        return Dnssec(zone, state, warning or state.value, label or server)

    def __del__(self) -> None:
        for server in self._servers.values():
            server.close()


def _wire_form(question: Question) -> bytes:
    """The question section (RFC 1035 4.1.2). Raises DNSException."""
    name = owner(question.name).to_wire()
    kind = dns.rdatatype.from_text(question.kind)
    return (name or b"") + kind.to_bytes(2) + _INTERNET


@dataclass
class _Silence:
    """How many questions in a row a server left without an answer, and until when it is left alone for it."""

    count: int = 0
    until: float = 0.0

    def more(self) -> None:
        """It was silent again."""
        self.count += 1
        self.until = time.monotonic() + _REST

    def lasts(self) -> bool:
        """Whether not to ask. When the time is over one question goes through, and decides for the others."""
        if self.count < _PATIENCE:
            return False
        if time.monotonic() < self.until:
            return True
        self.until = time.monotonic() + _REST
        return False


@dataclass
class _Server:
    """One server's sockets, and how many may ask at a time."""

    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONE_SERVER))
    opened: asyncio.Task[list[_Port]] | None = None

    async def ports(self, address: str, port: int) -> list[_Port]:
        """Its sockets, opened by whoever comes first. Raises OSError."""
        if self.opened is None:
            self.opened = asyncio.create_task(_open(address, port))
        return await asyncio.shield(self.opened)

    def close(self) -> None:
        """Close them, from whatever thread."""
        if self.opened is not None and self.opened.done() and not self.opened.exception():
            for port in self.opened.result():
                port.close()


async def _open(address: str, port: int) -> list[_Port]:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_datagram_endpoint(_Port, remote_addr=(address, port)) for _ in range(_PORTS)]
    return [protocol for _, protocol in opened]


class _Port(asyncio.DatagramProtocol):
    """A socket of one server, with several questions under way, told apart by number and text."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[bytes, asyncio.Future[bytes]]] = {}
        self._given_up: set[int] = set()
        self._strays = 0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    async def ask(self, asked: bytes, flags: bytes, timeout: float, opt: bytes) -> bytes:
        """The answer's bytes. Raises TimeoutError, OSError, and BadResponse for what is no answer to this.

        opt: the OPT record that goes with the question; empty: none does.
        """
        assert self._transport is not None  # noqa: S101 - it is connected when it is handed out
        number = secrets.randbelow(65_536)
        while number in self._waiting:
            number = secrets.randbelow(65_536)
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[number] = asked, answer
        strays = self._strays
        try:
            head = _HEAD if opt else _PLAIN_HEAD
            self._transport.sendto(number.to_bytes(2) + flags + head + asked + opt)
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            self._given_up.add(number)
            if self._strays > strays:
                raise _NotUnderstoodError from None
            raise
        finally:
            del self._waiting[number]

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Hand an answer to who waits for it."""
        number = int.from_bytes(data[:2])
        if number not in self._waiting:
            # Late, or an answer to what nobody asked.
            self._strays += number not in self._given_up
            return
        asked, answer = self._waiting[number]
        if answer.done():
            return
        repeated = data[12 : 12 + len(asked)].lower() == asked.lower()
        # Who does not understand a question need not repeat it.
        bare = len(data) >= _HEADER and data[3] & 0x0F == dns.rcode.FORMERR and data[4:6] == _NONE
        if len(data) >= _HEADER and data[2] & _QR and (repeated or bare or data[2] & _TC):
            answer.set_result(data)
        else:
            answer.set_exception(_NotUnderstoodError)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: that holds for all who wait."""
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(exc)

    def close(self) -> None:
        """Close it, if its loop still runs; with the loop it is gone anyway."""
        if self._transport is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._transport.abort)
