"""Run the service, on the socket that systemd.socket(5) hands over; or answer the operator's tool."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from provisioner_store.store import Store, connect
from provisioner_store.suppressions import Suppressions

from provisioner_quota import notices, room
from provisioner_quota.accounts import Accounts
from provisioner_quota.bans import Bans
from provisioner_quota.connection import Connection
from provisioner_quota.counters import Counters
from provisioner_quota.journal import Journal
from provisioner_quota.outage import Outage
from provisioner_quota.outcomes import Follower
from provisioner_quota.service import Quota
from provisioner_quota.usage import usage
from provisioner_quota.web import application, exposition

SETTINGS = Path("/etc/provisioner/quota.json")
STATE = Path("/var/lib/provisioner-quota")
FIRST_SOCKET = 3  # sd_listen_fds(3)
LOG = logging.getLogger("provisioner-quota")
GRACE = 2.0
"""Seconds that answers which are under way may take once the service is told to stop."""


async def serve(settings: dict[str, Any], listening: socket.socket) -> None:
    """Serve until told to stop; answers under way are given first."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        # What can be answered without waiting is answered at once.
        loop.set_task_factory(asyncio.eager_task_factory)
    store = connect(settings)
    counters = Counters(store)
    accepting = settings["without_counters"] == "accept"
    outage = Outage(counters, Journal(STATE / "journal"), settings["frontends"], accepting)
    accounts = Accounts()
    quota = Quota(accounts, counters, Suppressions(store), outage, settings["host"], settings["contact"])
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    # Not create_unix_server: that one would remove systemd's socket in the end.
    server = await loop.create_server(lambda: Connection(quota), sock=listening)
    helpers = [
        asyncio.create_task(outage.watch()),
        asyncio.create_task(room.watch(counters)),
        asyncio.create_task(quota.follow(Follower(Path(settings["log"])))),
    ]
    port = settings["metrics_port"]
    runners = [await _served(application(Bans(store), accounts, outage), "127.0.0.1", port)]
    if address := settings["metrics_address"]:
        try:
            runners.append(await _served(exposition(), address, port))
        except OSError:
            LOG.exception("no metrics at %s", address)  # nobody's mail waits for that
    await stop.wait()
    server.close()
    for runner in runners:
        await runner.cleanup()
    for session in list(quota.sessions.values()):
        quota.gone(session)
    if quota.running:
        await asyncio.wait(quota.running, timeout=GRACE)
    for helper in helpers:
        helper.cancel()


async def _served(page: web.Application, address: str, port: int) -> web.AppRunner:
    runner = web.AppRunner(page, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, port).start()
    return runner


async def _bans(store: Store, question: dict[str, Any]) -> dict[str, Any]:
    return {login: await Bans(store).of(login, time.time()) for login in question["logins"]}


async def _unban(store: Store, question: dict[str, Any]) -> int:
    return sum([await Bans(store).lift(login) for login in question["logins"]])


async def _usage(store: Store, question: dict[str, Any]) -> dict[str, Any]:
    return await usage(Counters(store), question, time.time())


async def _claim(store: Store, question: dict[str, Any]) -> list[bool]:
    return await notices.claim(store, question["names"])


async def _release(store: Store, question: dict[str, Any]) -> int:
    return await notices.release(store, question["names"])


async def _suppress(store: Store, question: dict[str, Any]) -> int:
    return await Suppressions(store).add(question["customer"], question["entries"])


async def _suppressed(store: Store, question: dict[str, Any]) -> list[list[Any]]:
    return await Suppressions(store).every(question["customer"])


async def _unsuppress(store: Store, question: dict[str, Any]) -> list[str]:
    return await Suppressions(store).remove(question["customer"], question["addresses"], time.time())


QUESTIONS = {
    "bans": _bans,
    "claim": _claim,
    "release": _release,
    "suppress": _suppress,
    "suppressed": _suppressed,
    "unban": _unban,
    "unsuppress": _unsuppress,
    "usage": _usage,
}


async def _answer(verb: str) -> Any:
    return await QUESTIONS[verb](connect(json.loads(SETTINGS.read_text())), json.load(sys.stdin))


def main(arguments: list[str]) -> None:
    """Read the settings and serve; or answer one question, JSON on standard input, and end."""
    if arguments:
        print(json.dumps(asyncio.run(_answer(arguments[0]))))
        return
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    if os.environ.get("LISTEN_FDS") != "1":
        raise SystemExit("provisioner-quota.socket starts this service")
    asyncio.run(serve(json.loads(SETTINGS.read_text()), socket.socket(fileno=FIRST_SOCKET)))


if __name__ == "__main__":
    main(sys.argv[1:])
