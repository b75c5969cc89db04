"""Run the service, on the socket that systemd.socket(5) hands over."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Any

from aiosmtpd.lmtp import LMTP
from provisioner_store.store import connect
from provisioner_store.suppressions import Suppressions

from provisioner_bounces.accounts import Accounts
from provisioner_bounces.forward import Forwarder
from provisioner_bounces.service import Bounces

SETTINGS = Path("/etc/provisioner/bounces.json")
FIRST_SOCKET = 3  # sd_listen_fds(3)


class Server(LMTP):
    """LMTP for Postfix. Longer lines than it writes, since a message that is refused for one is lost."""

    line_length_limit = 65_536


async def serve(settings: dict[str, Any], listening: socket.socket) -> None:
    """Serve until told to stop. Postfix repeats what had no answer yet."""
    loop = asyncio.get_running_loop()
    forwarder = Forwarder(settings)
    bounces = Bounces(Accounts(), Suppressions(connect(settings)), forwarder, settings["domain"])
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    def session() -> Server:
        size = settings["message_size_limit"]
        return Server(
            bounces, hostname=settings["name"], data_size_limit=size, enable_SMTPUTF8=True, loop=loop
        )

    # Not create_unix_server: that one would remove systemd's socket in the end.
    server = await loop.create_server(session, sock=listening)
    await stop.wait()
    server.close()


def main() -> None:
    """Read the settings and serve."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    for chatty in ("mail.log", "flufl.bounce"):  # a line for each line that is said
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if os.environ.get("LISTEN_FDS") != "1":
        raise SystemExit("provisioner-bounces.socket starts this service")
    asyncio.run(serve(json.loads(SETTINGS.read_text()), socket.socket(fileno=FIRST_SOCKET)))


if __name__ == "__main__":
    main()
