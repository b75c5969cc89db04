"""What the live probes see of real TLS servers and real links, right and wrong ones."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from provisioner.adapters import links, pki, tls_probe
from provisioner.core.checks import LinkAnswer, check_link, check_tls
from provisioner.core.findings import Status
from tests.servers.daemon import HERE

NAME = "localhost"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> pki.KeyPair:
    return pki.make_authority("test", NOW - timedelta(days=800))


@pytest.fixture(scope="module")
def ca(authority: pki.KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ca") / "ca.crt"
    file.write_bytes(authority.certificate)
    return file


def served(authority: pki.KeyPair, folder: Path, name: str = NAME, at: datetime = NOW) -> ssl.SSLContext:
    """The TLS of a server with a certificate for a name, made at a time."""
    issued = pki.issue(authority, (name,), at)
    file = folder / f"{name}-{at.timestamp()}.pem"
    file.write_bytes(issued.key + issued.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


class Smtp(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as it takes to get to TLS."""

    server: Mail

    def handle(self) -> None:
        self.say("220 test ESMTP")
        while line := self.rfile.readline().decode().strip().upper():
            if line.startswith("EHLO"):
                self.say("250-test\r\n250 STARTTLS" if self.server.context else "250 test")
            elif line == "STARTTLS" and self.server.context:
                self.say("220 go on")
                try:
                    secure = self.server.context.wrap_socket(self.request, server_side=True)
                except (OSError, ssl.SSLError):
                    return
                self.rfile, self.wfile = secure.makefile("rb"), secure.makefile("wb")
            else:
                self.say("221 bye" if line == "QUIT" else "502 no")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()


class Busy(socketserver.StreamRequestHandler):
    """Says one thing, and ends."""

    greeting = b""

    def handle(self) -> None:
        self.wfile.write(self.greeting)


class Mail(socketserver.ThreadingTCPServer):
    """A mail port; context: its TLS, if it has any."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__((HERE, 0), Smtp)
        self.context, self.port = context, self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def test_a_sound_port(authority: pki.KeyPair, ca: Path, tmp_path: Path) -> None:
    with Mail(served(authority, tmp_path)) as mail:
        seen = tls_probe.look(HERE, NAME, mail.port, ca)
        assert (seen.protocol, seen.by_fleet, seen.error) == ("TLSv1.3", True, "")
        assert seen.ends is not None
        assert 396 <= (seen.ends - NOW).days <= 398
        stranger = tls_probe.look(HERE, NAME, mail.port)
        assert not stranger.protocol
        assert "certificate does not hold" in stranger.error


def test_a_certificate_that_ended(authority: pki.KeyPair, ca: Path, tmp_path: Path) -> None:
    with Mail(served(authority, tmp_path, at=NOW - timedelta(days=700))) as mail:
        seen = tls_probe.look(HERE, NAME, mail.port, ca)
    assert (seen.protocol, seen.silent) == ("", False)
    assert "expired" in seen.error


def test_a_certificate_for_another_name(authority: pki.KeyPair, ca: Path, tmp_path: Path) -> None:
    with Mail(served(authority, tmp_path, "elsewhere.example")) as mail:
        seen = tls_probe.look(HERE, NAME, mail.port, ca)
    assert "Hostname mismatch" in seen.error


def test_a_port_without_tls_and_one_where_nobody_is(ca: Path) -> None:
    with Mail(None) as mail:
        seen = tls_probe.look(HERE, NAME, mail.port, ca)
    assert (seen.silent, "STARTTLS" in seen.error) == (False, True)
    assert tls_probe.look(HERE, NAME, mail.port, ca).silent


@pytest.mark.parametrize(
    ("greeting", "status"),
    [
        (b"421 4.3.2 too busy\r\n", Status.UNKNOWN),
        (b"450 4.3.2 try again\r\n", Status.UNKNOWN),
        (b"554 5.3.2 no mail here\r\n", Status.FAIL),
    ],
)
def test_a_port_that_has_no_time_is_in_doubt(greeting: bytes, status: Status) -> None:
    handler = type("Greeting", (Busy,), {"greeting": greeting})
    with socketserver.TCPServer((HERE, 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        seen = tls_probe.look(HERE, NAME, server.server_address[1])
        server.shutdown()
    assert check_tls(NAME, seen, NOW).status is status
    assert greeting.decode()[:9] in seen.error


class Web(BaseHTTPRequestHandler):
    """A list's unsubscribe link, as its path says: a fine one, or one that wants a login."""

    posted: ClassVar[list[tuple[str, str]]] = []

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.answer(200, '<form method="post"><button>Leave</button></form>')

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posted.append((body, self.headers.get("Cookie", "")))
        if self.path == "/login":
            self.answer(302, "", Location="/session", **{"Set-Cookie": "a=b"})
        else:
            self.answer(200, "gone")

    def answer(self, status: int, text: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing is to be read about it."""


@pytest.fixture(scope="module")
def web(authority: pki.KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = ThreadingHTTPServer((HERE, 0), Web)
    server.socket = served(authority, tmp_path_factory.mktemp("web")).wrap_socket(
        server.socket, server_side=True
    )
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"https://{NAME}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_link_is_asked_as_receivers_ask(web: str, ca: Path) -> None:
    Web.posted.clear()
    found = links.ask(f"{web}/fine", ca)
    assert [(method, answer.status) for method, answer in found.items()] == [
        ("HEAD", 200),
        ("GET", 200),
        ("POST", 200),
    ]
    assert Web.posted == [("List-Unsubscribe=One-Click", "")]
    assert {each.status for each in check_link(web, found)} == {Status.PASS}


def test_no_redirect_is_followed_and_no_cookie_kept(web: str, ca: Path) -> None:
    Web.posted.clear()
    for _ in range(2):
        assert links.ask(f"{web}/login", ca)["POST"] == LinkAnswer(302, "", "/session")
    assert {cookie for _, cookie in Web.posted} == {""}


def test_a_link_whose_certificate_nobody_knows_has_no_answer(web: str) -> None:
    found = links.ask(f"{web}/fine")
    assert {answer.status for answer in found.values()} == {0}
    assert "CERTIFICATE_VERIFY_FAILED" in found["POST"].error


@pytest.mark.parametrize("url", ["https://localhost\x00/u", "https://localhost/" + "u" * 70_000])
def test_what_is_no_link_has_no_answer(url: str) -> None:
    assert {answer.status for answer in links.ask(url).values()} == {0}
