"""The application behind a web server: it answers every request with what it was told, in JSON."""

from __future__ import annotations

import json
import socketserver
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

_HEAD = struct.Struct(">BBHHBx")
_BEGIN, _END, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
SESSION = "sympa_session=0123456789"
SHOWN = 1_000
"""Bytes of a body that are told."""


class Told(socketserver.StreamRequestHandler):
    """FastCGI, as much of it as nginx uses: one request a connection."""

    def handle(self) -> None:
        params, body = b"", b""
        for kind, content in self._records():
            if kind == _PARAMS:
                params += content
            elif kind == _STDIN:
                body += content
                if not content:
                    break
        told = {"params": dict(_pairs(params)), "body": body[:SHOWN].decode(errors="replace")}
        head = f"Content-Type: application/json\r\nSet-Cookie: {SESSION}; path=/sympa\r\n\r\n"
        answer = f"{head}{json.dumps(told)}".encode()
        self.wfile.write(_record(_STDOUT, answer) + _record(_STDOUT, b"") + _record(_END, bytes(8)))

    def _records(self) -> Iterator[tuple[int, bytes]]:
        while head := self.rfile.read(_HEAD.size):
            _, kind, _, length, padding = _HEAD.unpack(head)
            yield kind, self.rfile.read(length)
            self.rfile.read(padding)


class OneClick(BaseHTTPRequestHandler):
    """HTTP, as provisioner_dem/oneclick.py speaks it when a reader has left."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(303)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self) -> str:
        return "nginx"

    def log_message(self, *_: object) -> None:
        pass


def serve(path: Path, handler: type[socketserver.BaseRequestHandler]) -> socketserver.BaseServer:
    """Answer on a socket, until `shutdown`."""
    server = socketserver.ThreadingUnixStreamServer(str(path), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _record(kind: int, content: bytes) -> bytes:
    return _HEAD.pack(1, kind, 1, len(content), 0) + content


def _pairs(content: bytes) -> Iterator[tuple[str, str]]:
    at = 0

    def length() -> int:
        nonlocal at
        many = content[at] >> 7
        found = struct.unpack(">I", content[at : at + 4])[0] & 0x7FFFFFFF if many else content[at]
        at += 4 if many else 1
        return found

    while at < len(content):
        name, value = length(), length()
        yield (
            content[at : at + name].decode(),
            content[at + name : at + name + value].decode(errors="replace"),
        )
        at += name + value
