"""The connection to the store that all questions share, and how full the store says it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

import pytest
from prometheus_client import REGISTRY
from provisioner_quota import room
from provisioner_quota.counters import Counters
from provisioner_store.store import Store, StoreError

TIMEOUT = 0.2


class Server:
    """Takes connections, and answers every command with a bulk string; with None it is silent."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while data := await reader.read(4096):
            if self.answer is not None:
                one = b"$%d\r\n%s\r\n" % (len(self.answer), self.answer)
                writer.write(one * data.count(b"*"))
        writer.close()

    async def store(self) -> Store:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        return Store(["127.0.0.1"], port, "user", "password", None, TIMEOUT)


def test_questions_to_a_silent_store_fail_together() -> None:
    """Not one after the other: Postfix waits ten seconds for an answer, and many may ask at once."""

    async def run() -> tuple[float, int]:
        server = Server(None)
        store = await server.store()
        begun = asyncio.get_running_loop().time()
        said = await asyncio.gather(*(store.call("PING") for _ in range(20)), return_exceptions=True)
        assert all(isinstance(each, StoreError) for each in said)
        return asyncio.get_running_loop().time() - begun, server.connections

    seconds, connections = asyncio.run(run())
    assert seconds < 2 * TIMEOUT
    assert connections == 1


def test_a_store_that_was_silent_is_tried_again() -> None:
    async def run() -> None:
        server = Server(None)
        store = await server.store()
        with pytest.raises(StoreError):
            await store.call("PING")
        server.answer = b"PONG"
        assert await asyncio.gather(*(store.call("PING") for _ in range(3))) == ["PONG"] * 3
        assert server.connections == 2

    asyncio.run(run())


def test_a_question_that_is_given_up_ends_no_other() -> None:
    async def run() -> object:
        server = Server(b"PONG")
        store = await server.store()
        one, other = (asyncio.ensure_future(store.call("PING")) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        return await other

    assert asyncio.run(run()) == "PONG"


INFO = b"# Memory\r\nused_memory:%d\r\nused_memory_human:1M\r\nmaxmemory:%d\r\n"


@pytest.mark.parametrize(("used", "most", "share"), [(50, 200, 0.25), (200, 200, 1.0), (50, 0, 0.0)])
def test_how_full_the_store_is(used: int, most: int, share: float) -> None:
    async def run() -> float:
        return await Counters(await Server(INFO % (used, most)).store()).fullness()

    assert asyncio.run(run()) == share


def test_a_store_that_is_nearly_full_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(room, "LOOK", 0.0)
    said: list[Callable[[], float]] = [
        lambda: 0.5,
        lambda: 0.85,
        _gone,
        lambda: 0.9,
        lambda: 0.7,
        lambda: 0.8,
    ]

    class Scripted:
        async def fullness(self) -> float:
            if not said:
                raise asyncio.CancelledError
            return said.pop(0)()

    with caplog.at_level(logging.WARNING), pytest.raises(asyncio.CancelledError):
        asyncio.run(room.watch(cast(Counters, Scripted())))
    assert [message.split(" full")[0][-4:] for message in caplog.messages] == ["85 %", "80 %"]
    assert REGISTRY.get_sample_value("provisioner_quota_store_memory_ratio") == 0.8


def _gone() -> float:
    raise StoreError("gone")
