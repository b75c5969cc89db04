"""The tool that shows what a backend signs: each message has an answer, whatever the connection does."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import provisioner_signed
import pytest

ANSWERS = {"EHLO": "250 here", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "QUIT": "221 bye"}


class Ending(socketserver.StreamRequestHandler):
    """Takes a message whose text says so, refuses another, and hangs up in the middle of a third."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line[:4].decode().upper()
            self.wfile.write(f"{ANSWERS[verb]}\r\n".encode())
            if verb == "DATA":
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                if b"hang up" in text:
                    return
                self.wfile.write(b"250 queued as A1\r\n" if b"good" in text else b"550 no\r\n")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Ending) as listening:
        monkeypatch.setattr(provisioner_signed, "PORT", listening.server_address[1])
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield
        listening.shutdown()


@pytest.mark.usefixtures("server")
def test_each_message_has_its_own_answer() -> None:
    asks = [{"account": "acme", "message": text} for text in ("bad", "hang up", "good", "hang up", "good")]
    assert [code for code, _ in provisioner_signed.answers_to(asks)] == [550, 451, 250, 451, 250]
