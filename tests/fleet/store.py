"""The fleet's own counter store, reached from here as a frontend reaches it, with its certificate."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioner_quota.counters import Counters
from provisioner_store.store import StoreError, connect

from tests.fleet.fleet import Fleet, eventually

FRONTEND = "fe1"


@contextmanager
def connection(fleet: Fleet, folder: Path) -> Iterator[dict[str, Any]]:
    """The frontend's own settings, with files in `folder` and a port here."""
    said = json.loads(fleet.shell(FRONTEND, "cat /etc/provisioner/quota.json"))
    folder.chmod(0o700)
    for name in ("authority", "certificate", "key"):
        copy = folder / name
        copy.write_text(fleet.shell(FRONTEND, f"cat {said[name]}"))
        said[name] = str(copy)
    with _forwarded(fleet, said["stores"][0], said["port"]) as port:
        how = said | {"stores": ["127.0.0.1"], "port": port, "timeout": 10}
        eventually(lambda: _answers(how), "a store that answers")
        yield how


async def _ping(how: dict[str, Any]) -> None:
    await Counters(connect(how)).ping()


def _answers(how: dict[str, Any]) -> bool:
    try:
        asyncio.run(_ping(how))
    except StoreError:
        return False
    return True


@contextmanager
def _forwarded(fleet: Fleet, address: str, port: int) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        here = int(probe.getsockname()[1])
    command = fleet.machines.ssh_command(FRONTEND)
    forward = ["-N", "-o", "ControlPath=none", "-L", f"127.0.0.1:{here}:{address}:{port}"]
    with subprocess.Popen([command[0], *forward, *command[1:]], stdin=subprocess.DEVNULL) as tunnel:
        try:
            yield here
        finally:
            tunnel.terminate()
