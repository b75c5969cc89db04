"""A small SMTP load generator: sessions side by side, each with many messages, cheap for the CPU.

The cores are shared with what is measured: a message costs two writes, two reads and hardly any parsing.
"""

from __future__ import annotations

import base64
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """Where and how to submit. `login` is (name, password); with it comes STARTTLS, checked for `name`."""

    address: str
    port: int
    name: str = ""
    login: tuple[str, str] | None = None
    authority: Path | None = None


@dataclass(frozen=True)
class Load:
    """How many messages over how many sessions, what they are, and for whom."""

    messages: int
    sessions: int
    size: int
    sender: str
    recipient: str


class LoadError(Exception):
    """The server did not do what it had to."""


def submit(target: Target, load: Load) -> float:
    """Submit all messages; seconds from the first connection to the last acceptance. Raises LoadError."""
    each = load.messages // load.sessions
    begun = time.monotonic()
    with ThreadPoolExecutor(load.sessions) as pool:
        list(pool.map(lambda number: _session(target, load, number, each), range(load.sessions)))
    return time.monotonic() - begun


def _session(target: Target, load: Load, number: int, count: int) -> None:
    body = b"\r\n".join([b"x" * 76] * (load.size // 78))
    envelope = f"MAIL FROM:<{load.sender}>\r\nRCPT TO:<{load.recipient}>\r\nDATA\r\n".encode()
    with _Session(target) as session:
        for index in range(count):
            header = (
                f"From: <{load.sender}>\r\nTo: <{load.recipient}>\r\nSubject: load\r\n"
                f"Date: Mon, 23 Nov 2026 06:00:00 +0000\r\n"
                f"Message-ID: <{number}.{index}.{time.time_ns()}@{load.sender.rpartition('@')[2]}>\r\n\r\n"
            )
            session.exchange(envelope, (250, 250, 354))
            session.exchange(header.encode() + body + b"\r\n.\r\n", (250,))


class _Session:
    def __init__(self, target: Target) -> None:
        self._socket: socket.socket = socket.create_connection((target.address, target.port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._expect((220,))
        self.exchange(b"EHLO load.example\r\n", (250,))
        if target.login is not None:
            self.exchange(b"STARTTLS\r\n", (220,))
            context = ssl.create_default_context(cafile=target.authority)
            self._socket = context.wrap_socket(self._socket, server_hostname=target.name)
            self.exchange(b"EHLO load.example\r\n", (250,))
            secret = base64.b64encode("\0{}\0{}".format(*target.login).encode())
            self.exchange(b"AUTH PLAIN " + secret + b"\r\n", (235,))

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def exchange(self, data: bytes, codes: tuple[int, ...]) -> None:
        self._socket.sendall(data)
        self._expect(codes)

    def _expect(self, codes: tuple[int, ...]) -> None:
        for code in codes:
            line = self._line()
            while line[3:4] == b"-":
                line = self._line()
            if not line.startswith(str(code).encode()):
                raise LoadError(f"expected {code}, got {line.decode(errors='replace')}")

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise LoadError("the server closed the connection")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line
