"""Where a list server's mail arrives, and how reports go back."""

from __future__ import annotations

import mailbox
import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.adapters.dem_world import MaildirWorld, deliver
from provisioner.core.errors import HostsFailed, UsageError


class Server(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs; refuses recipients at refused.example."""

    said: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 entrance\r\n")
        while line := self.rfile.readline().decode().strip():
            self.server.said.append(line)  # type: ignore[attr-defined]
            if line.upper() == "DATA":
                self.wfile.write(b"354 go\r\n")
                while (text := self.rfile.readline()) != b".\r\n":
                    self.server.said.append(text.decode().strip())  # type: ignore[attr-defined]
            if line.lower() == "quit":
                self.wfile.write(b"221 bye\r\n")
                return
            refused = "refused.example" in line and line.lower().startswith("rcpt")
            self.wfile.write(b"550 no\r\n" if refused else b"250 ok\r\n")


@pytest.fixture
def entrance() -> Iterator[socketserver.ThreadingTCPServer]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server)
    server.said = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_report_is_handed_over_without_a_return_path(entrance: socketserver.ThreadingTCPServer) -> None:
    port = entrance.server_address[1]
    deliver(
        "127.0.0.1", port, "world1.example", "acme-dem.x+a=b@bounce.example", b"Subject: DSN\r\n\r\ngone\r\n"
    )
    said: list[str] = entrance.said  # type: ignore[attr-defined]
    assert "ehlo world1.example" in said
    assert any(line.startswith("mail FROM:<>") for line in said)
    assert "rcpt TO:<acme-dem.x+a=b@bounce.example>" in said
    assert "gone" in said


def test_a_report_that_is_not_taken(entrance: socketserver.ThreadingTCPServer) -> None:
    with pytest.raises(HostsFailed, match=r"does not take a report to x@refused.example"):
        deliver("127.0.0.1", entrance.server_address[1], "world1.example", "x@refused.example", b"x")


def test_a_mailbox_in_a_folder(tmp_path: Path) -> None:
    folder = mailbox.Maildir(tmp_path / "box")
    old = folder.add(b"Subject: old\n\nx\n")
    os.utime(tmp_path / "box/new" / old, (1000, 1000))
    folder.add(b"Message-ID: <1@x>\nSubject: new\n\nx\n")
    world = MaildirWorld(tmp_path / "box", "me@own.example")
    (found,) = world.received(2000.0)
    assert (found.recipient, found.message_id) == ("me@own.example", "<1@x>")
    assert found.raw.startswith(b"Message-ID: <1@x>")
    assert len(world.received(0)) == 2
    with pytest.raises(UsageError, match="is not a Maildir"):
        MaildirWorld(tmp_path, "me@own.example")
