"""One connection to Valkey that all questions share, each sent at once without waiting for earlier answers.

A general client takes a connection of its own for each question, through layers that cost several times what
the question does. What the protocol says (RESP) is left to hiredis; here is only the connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import hiredis

Argument = str | int | float | bytes
SENTINEL_PORT = 26379
MASTER = "counters"
"""What the stores' Sentinels call the one that counts."""

MOVED = ("READONLY", "NOREPLICAS", "MASTERDOWN", "LOADING")
"""How the answers of a store begin that does not count, or not any more."""


class StoreError(Exception):
    """The store does not answer, or refuses."""


class Store:
    """The store, connected when first needed and again after each loss. Times in seconds.

    hosts: where it is; of several the one that their Sentinels name, and that says so itself ("Guidelines for
    Redis clients with Sentinel support").
    """

    def __init__(
        self,
        hosts: Sequence[str],
        port: int,
        user: str,
        password: str,
        tls: ssl.SSLContext | None,
        timeout: float,
    ) -> None:
        self._hosts = hosts
        self._port = port
        self._login = (user, password)
        self._tls = tls
        self._timeout = timeout
        self._connection: _Connection | None = None
        self._attempt: asyncio.Task[_Connection] | None = None

    async def call(self, *command: Argument) -> Any:
        """The store's answer to a command. Raises StoreError.

        A store that lost its power says nothing to a connection that idles, which fails when next used: the
        question is asked once more then, of the store as it is now. So a command may be done twice.
        """
        connection = self._connection
        if connection is not None and not connection.lost:
            try:
                return await connection.ask(command)
            except StoreError:
                if not connection.lost:
                    raise
        return await (await self._connected()).ask(command)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The result of a script, which the store learns when it does not know it. Raises StoreError."""
        try:
            return await self.call("EVALSHA", script.digest, len(keys), *keys, *arguments)
        except StoreError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def _connected(self) -> _Connection:
        """The connection. Whoever needs a new one shares the attempt that is under way, and its failure."""
        if self._connection is not None and not self._connection.lost:
            return self._connection
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.ensure_future(self._connect())
        return await asyncio.shield(self._attempt)

    async def _connect(self) -> _Connection:
        one = len(self._hosts) == 1
        self._connection = await self._open(self._hosts[0], self._port) if one else await self._master()
        return self._connection

    async def _master(self) -> _Connection:
        reasons = []
        for host in self._hosts:
            try:
                sentinel = await self._open(host, SENTINEL_PORT)
                try:
                    place = await sentinel.ask(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER))
                finally:
                    sentinel.close()
                if place is None:
                    reasons.append(f"{host}: its Sentinel knows no {MASTER}")
                    continue
                store = await self._open(place[0], int(place[1]))
                if (await store.ask(("ROLE",)))[0] == "master":
                    return store
                store.close()
                reasons.append(f"{place[0]} does not count yet")
            except StoreError as error:
                reasons.append(f"{host}: {error}")
        raise StoreError("; ".join(reasons))

    async def _open(self, host: str, port: int) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                _, protocol = await loop.create_connection(
                    lambda: _Connection(self._timeout), host, port, ssl=self._tls
                )
        except (OSError, TimeoutError) as error:
            raise StoreError(str(error) or f"no connection within {self._timeout:.0f} s") from error
        await protocol.ask(("AUTH", *self._login))
        return protocol


def connect(settings: dict[str, Any]) -> Store:
    """The store, where the service's settings say it is."""
    tls = ssl.create_default_context(cafile=settings["authority"])
    tls.load_cert_chain(settings["certificate"], settings["key"])
    tls.check_hostname = False  # the authority is the fleet's own, and signs hosts of the fleet alone
    return Store(
        settings["stores"],
        settings["port"],
        settings["user"],
        settings["password"],
        tls,
        settings["timeout"],
    )


class Script:
    """A script in Lua, and the name that the store has for it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class _Connection(asyncio.Protocol):
    """Answers come in the order of the questions; one that is late ends the connection, and so all others."""

    def __init__(self, timeout: float) -> None:
        self.lost = False
        self._timeout = timeout
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._reader = hiredis.Reader(encoding="utf-8")
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to ask."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Give each answer to who waits for it."""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            _, future = self._waiting.popleft()
            if future.done():
                continue
            if isinstance(answer, hiredis.HiredisError):
                future.set_exception(StoreError(str(answer)))
                if str(answer).startswith(MOVED):
                    self.close()
            else:
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits in vain."""
        self.lost = True
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(StoreError(str(exc or "the store closed the connection")))

    def close(self) -> None:
        """End it: whoever still waits gets a StoreError."""
        self.lost = True
        self._transport.abort()

    def ask(self, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        """The answer to one command, to be awaited. That raises StoreError."""
        future = self._loop.create_future()
        if self.lost:
            future.set_exception(StoreError("the store closed the connection"))
            return future
        self._waiting.append((self._loop.time() + self._timeout, future))
        self._transport.write(hiredis.pack_command(command))
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._timeout, self._look)
        return future

    def _look(self) -> None:
        self._alarm = None
        if not self._waiting or self.lost:
            return
        due, _ = self._waiting[0]
        if due <= self._loop.time():
            # Later, its answer would be taken for that to the next question.
            self.close()
        else:
            self._alarm = self._loop.call_at(due, self._look)
