"""Keeps Sympa's one-click addresses good for a year: a service that nginx asks before it passes a POST on.

Sympa takes them for 7 days (Sympa::List, $oneclick_expiration), answers later ones as if all were well, and
does nothing: whoever opens a newsletter after a holiday could not leave. An address is `DAY-HASH`, with DAY
in days since 1970 and HASH the MD5 of the subscription's time, the reader's address and DAY. Whoever has one
has proven to be the reader; the answer is the same reader's address of today, which Sympa takes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from provisioner_dem import settings
from provisioner_dem.software import DemError

if TYPE_CHECKING:
    from provisioner_dem.database import Store

DAYS = 366
HEADER = "X-One-Click"
_PATH = re.compile(r"/oneclick/([a-z0-9][a-z0-9_-]*)/(\d{1,6})-([A-Za-z0-9_-]{22})")
_READER = (
    "SELECT date_epoch_subscriber, user_subscriber FROM subscriber_table"
    " WHERE list_subscriber = %s AND robot_subscriber = %s"
    " AND MD5(CONCAT(COALESCE(date_epoch_subscriber, ''), user_subscriber, %s)) = %s"
)


def renewed(store: Store, domain: str, path: str, today: int) -> str | None:
    """The address of today for one of earlier; None when it is none, too old, or of nobody on the list.

    path: `/oneclick/LIST/DAY-HASH`; today: days since 1970. Raises OSError when the database is away.
    """
    found = _PATH.fullmatch(path)
    if not found or not today - DAYS <= int(found[2]) <= today:
        return None
    name, day, code = found.groups()
    try:
        digest = base64.urlsafe_b64decode(f"{code}==").hex()
    except binascii.Error:
        return None
    readers = store.rows(_READER, (name, domain, day, digest))
    if len(readers) != 1:
        return None
    since, reader = readers[0]
    return f"/oneclick/{name}/{address(since, reader, today)}"


def address(since: int | None, reader: str, day: int) -> str:
    """As Sympa makes it (Sympa::List::oneclick_id)."""
    text = f"{'' if since is None else since}{reader}{day}"
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return f"{day}-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


class Handler(BaseHTTPRequestHandler):
    """Answers 204 with the address of today, 403 where there is none, 503 while the database is away."""

    store: Store
    domain: str

    def do_GET(self) -> None:
        """The path is the reader's."""
        try:
            found = renewed(self.store, self.domain, self.path, int(time.time() // 86_400))
        except (OSError, DemError):
            self.send_response(503)
        else:
            self.send_response(204 if found else 403)
            if found:
                self.send_header(HEADER, found)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self) -> str:
        """Nginx, over a socket that has no addresses."""
        return "nginx"

    def log_message(self, *_: Any) -> None:
        """Addresses are secrets of their readers: no log has them."""


class Server(ThreadingHTTPServer):
    """On a socket that is there already."""

    address_family = socket.AF_UNIX


def main() -> None:
    """Serve on the socket that systemd holds (sd_listen_fds(3))."""
    from provisioner_dem.database import Store  # noqa: PLC0415 - the client library is there on list servers alone

    of = settings.load()
    Handler.store, Handler.domain = Store(of.database), of.domain
    server = Server(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=3)
    server.serve_forever()


if __name__ == "__main__":
    main()
