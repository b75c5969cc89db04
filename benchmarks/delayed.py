"""A resolver's answers, later: what a network between adds, which the lab has not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

ADDRESS = "127.0.0.99"


@contextmanager
def delayed(server: str, milliseconds: int) -> Iterator[str]:
    """The address of a proxy on port 53 that hands questions on by UDP, and their answers that much later."""
    command = [sys.executable, "-m", "benchmarks.delayed", server, str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield ADDRESS
        process.terminate()


class _Front(asyncio.DatagramProtocol):
    def __init__(self, server: str, seconds: float) -> None:
        self._server, self._seconds = server, seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._ask(data, addr))

    async def _ask(self, data: bytes, client: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        later = loop.time() + self._seconds
        transport, back = await loop.create_datagram_endpoint(
            lambda: _Back(loop.create_future()), remote_addr=(self._server, 53)
        )
        transport.sendto(data)
        answer = await back.answer
        transport.close()
        await asyncio.sleep(later - loop.time())
        self._transport.sendto(answer, client)


class _Back(asyncio.DatagramProtocol):
    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        self.answer = answer

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answer.set_result(data)


async def _serve(server: str, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Front(server, seconds), local_addr=(ADDRESS, 53))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]) / 1000))
