"""The services' one connection to the fleet's store, when the network or the store's host goes silently."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from provisioner_store.store import Store, StoreError, connect

TIMEOUT = 1.0


class Line:
    """Between the client and the store. Each connection can be cut off, as when a machine loses its power."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._alive: list[bool] = []

    @property
    def connections(self) -> int:
        """How many were made so far."""
        return len(self._alive)

    def cut(self) -> None:
        """Carry nothing more on the connections there are, and tell neither end."""
        self._alive = [False] * len(self._alive)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client to the store."""
        number = len(self._alive)
        self._alive.append(True)
        from_store, to_store = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._copy(number, reader, to_store), self._copy(number, from_store, writer))

    async def _copy(self, number: int, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(4096):
            if self._alive[number]:
                target.write(data)
        target.close()


async def _through(how: dict[str, Any]) -> tuple[Line, asyncio.Server, Store]:
    line = Line(how["port"])
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return line, server, connect(how | {"port": port, "timeout": TIMEOUT})


def test_a_connection_that_died_unnoticed_costs_no_question(how_to_connect: dict[str, Any]) -> None:
    async def use() -> None:
        line, _server, store = await _through(how_to_connect)
        assert await store.call("PING") == "PONG"
        line.cut()
        assert await asyncio.gather(*(store.call("PING") for _ in range(6))) == ["PONG"] * 6
        assert line.connections == 2

    asyncio.run(use())


def test_a_store_that_is_away_is_told_of_in_bounded_time(how_to_connect: dict[str, Any]) -> None:
    async def use() -> None:
        line, server, store = await _through(how_to_connect)
        assert await store.call("PING") == "PONG"
        server.close()
        line.cut()
        begun = time.monotonic()
        with pytest.raises(StoreError):
            await store.call("PING")
        assert time.monotonic() - begun < 10 * TIMEOUT

    asyncio.run(use())
