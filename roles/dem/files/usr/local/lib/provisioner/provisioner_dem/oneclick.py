"""Unsubscription from Sympa's lists by one click (RFC 8058): a service that nginx gives the POST to.

Sympa's own takes an address for 7 days (Sympa::List, $oneclick_expiration), answers later ones as if all were
well, and does nothing: whoever opens a newsletter after a holiday could not leave. It shows its home page
besides, which tells nobody what happened. An address is `DAY-HASH`, with DAY in days since 1970 and HASH the
MD5 of the subscription's time, the reader's address and DAY.
"""

from __future__ import annotations

import base64
import binascii
import re
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from provisioner_dem import locks, settings
from provisioner_dem.software import DemError

if TYPE_CHECKING:
    from provisioner_dem.sympa import Sympa

DAYS = 366
LARGEST = 10_000
"""Bytes of a body: there is one field in it."""

_PATH = re.compile(r"/oneclick/([a-z0-9][a-z0-9_-]*)/(\d{1,6})-([A-Za-z0-9_-]{22})")
_READER = (
    "SELECT user_subscriber FROM subscriber_table WHERE list_subscriber = %s AND robot_subscriber = %s"
    " AND MD5(CONCAT(COALESCE(date_epoch_subscriber, ''), user_subscriber, %s)) = %s"
)


def reader(rows: Any, domain: str, path: str, today: int) -> tuple[str, str] | None:
    """List and reader of an address; None when it is none, too old, or of nobody on the list.

    rows: asks the database; path: `/oneclick/LIST/DAY-HASH`; today: days since 1970.
    """
    found = _PATH.fullmatch(path)
    if not found or not today - DAYS <= int(found[2]) <= today:
        return None
    name, day, code = found.groups()
    try:
        digest = base64.urlsafe_b64decode(f"{code}==").hex()
    except binascii.Error:
        return None
    readers = rows(_READER, (name, domain, day, digest))
    return (name, readers[0][0]) if len(readers) == 1 else None


def is_one_click(body: bytes) -> bool:
    """Whether a form says what RFC 8058 (3.2) has a mail provider say; multipart/form-data may too."""
    text = body.decode("utf-8", "replace")
    plain = parse_qs(text).get("List-Unsubscribe") == ["One-Click"]
    return plain or bool(re.search(r'name="?List-Unsubscribe"?\r?\n\r?\nOne-Click\r?\n', text))


class Handler(BaseHTTPRequestHandler):
    """Answers 303 when it is done, 404 to an address of nobody's, 400 to another form, 503 to try again."""

    software: Sympa

    def do_POST(self) -> None:
        """The path is the reader's, the body says One-Click."""
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdecimal() and int(length) <= LARGEST else b""
        self.send_response(self._answer(body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, body: bytes) -> int:
        if not is_one_click(body):
            return 400
        today, of = int(time.time() // 86_400), self.software
        try:
            with locks.touching():
                found = reader(of.store.rows, of.settings.domain, self.path, today)
                if found is None:
                    return 404
                of.sign_off(*found)
        except (OSError, DemError) as error:
            print(f"a reader could not leave: {error}", flush=True)
            return 503
        return 303

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
    from provisioner_dem.sympa import Sympa  # noqa: PLC0415 - what it needs is there on list servers alone

    Handler.software = Sympa(settings.load())
    server = Server(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=3)
    server.serve_forever()


if __name__ == "__main__":
    main()
