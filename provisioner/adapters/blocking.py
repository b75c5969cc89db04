"""For those who work step by step: answers of asynchronous resolvers, waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from provisioner.adapters.resolver import Authorities, OneServer
from provisioner.core.answers import Answer

Result = TypeVar("Result")


def wait(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of asynchronous work, from any thread but the one that does it."""
    with _STARTING:
        loop = _loop()
    return asyncio.run_coroutine_threadsafe(work, loop).result()


_STARTING = threading.Lock()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="dns", daemon=True).start()
    return loop


class Blocking:
    """A resolver whose answers are waited for; threads may ask side by side."""

    def __init__(self, resolver: Authorities | OneServer) -> None:
        self._resolver = resolver

    def lookup(self, name: str, kind: str) -> Answer:
        """One answer."""
        return wait(self._resolver.ask(name, kind))

    def lookup_all(self, name: str, kind: str) -> tuple[Answer, ...]:
        """The answer of every server that has to be right."""
        return wait(self._resolver.ask_all(name, kind))
