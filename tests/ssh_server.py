"""An SSH server in this process, for what speaks to hosts."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.fleet import Connection, Host


def make_key(path: Path) -> paramiko.Ed25519Key:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    path.write_bytes(pem)
    return paramiko.Ed25519Key(filename=str(path))


class Rules(paramiko.ServerInterface):
    """Lets one user in with one key; echoes what a command is given."""

    def __init__(self, key: paramiko.PKey) -> None:
        self.key = key

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == "deploy" and key == self.key
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED  # type: ignore[attr-defined, no-any-return]

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED  # type: ignore[attr-defined, no-any-return]

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        # Started late, so that the client has heard that its command runs before it hears what it said.
        threading.Timer(0.05, self.answer, (channel, command.decode())).start()
        return True

    def answer(self, channel: paramiko.Channel, command: str) -> None:
        if command == "vanish":
            channel.get_transport().close()
            return
        if command == "talk":
            self.converse(channel)
            return
        said = b"" if command == "deaf" else channel.makefile("rb").read()
        channel.sendall(command.encode() + b"|" + said)
        channel.sendall_stderr(b"first\nlast\n")
        channel.send_exit_status(3 if command == "fail" else 0)
        channel.close()

    def converse(self, channel: paramiko.Channel) -> None:
        """Greet, and answer each line; end at `end`, lose the connection at `lose`."""
        channel.sendall(b"hello\n")
        for line in channel.makefile("rb"):
            if line == b"lose\n":
                channel.get_transport().close()
                return
            if line == b"end\n":
                channel.sendall_stderr(b"had enough\n")
                channel.send_exit_status(1)
                break
            channel.sendall(b"heard " + line)
        with suppress(EOFError, OSError):  # who asked may be gone
            channel.close()


@contextmanager
def serving(folder: Path) -> Iterator[Host]:
    """A host whose SSH server runs in a thread; its keys, and the user's, are in the folder."""
    server_key, user_key = make_key(folder / "server"), make_key(folder / "user")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    known = f"[127.0.0.1]:{port} {server_key.get_name()} {server_key.get_base64()}\n"
    (folder / "known_hosts").write_text(known)
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                transport = paramiko.Transport(listener.accept()[0])
            except OSError:
                return
            transport.add_server_key(server_key)
            transport.start_server(event=threading.Event(), server=Rules(user_key))
            transports.append(transport)

    threading.Thread(target=serve, daemon=True).start()
    connection = Connection("deploy", port, str(folder / "user"), str(folder / "known_hosts"))
    try:
        yield Host("be1", ip_address("127.0.0.1"), frozenset({"backends"}), connection=connection)
    finally:
        listener.close()
        for transport in transports:
            transport.close()


def changed(host: Host, **values: object) -> Host:
    """A host that is reached in another way."""
    return dataclasses.replace(host, connection=dataclasses.replace(host.connection, **values))  # type: ignore[arg-type]
