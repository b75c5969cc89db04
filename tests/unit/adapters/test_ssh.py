"""SSH against a small server in this process: no host needed."""

from __future__ import annotations

import dataclasses
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.adapters.ssh import EndedError, Ssh, SshError, on_each, run
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


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose SSH server runs in a thread."""
    server_key, user_key = make_key(tmp_path / "server"), make_key(tmp_path / "user")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    known = f"[127.0.0.1]:{port} {server_key.get_name()} {server_key.get_base64()}\n"
    (tmp_path / "known_hosts").write_text(known)
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
    connection = Connection("deploy", port, str(tmp_path / "user"), str(tmp_path / "known_hosts"))
    yield Host("be1", ip_address("127.0.0.1"), frozenset({"backends"}), connection=connection)
    listener.close()
    for transport in transports:
        transport.close()


def changed(host: Host, **values: object) -> Host:
    return dataclasses.replace(host, connection=dataclasses.replace(host.connection, **values))  # type: ignore[arg-type]


def test_a_command_gets_its_input_and_is_quoted(host: Host) -> None:
    result = run(host, ["echo", "a b; c"], b"hello")
    assert result.ok
    assert result.text == "echo 'a b; c'|hello"
    assert result.complaint == "last"


def test_a_failing_command_is_a_result_and_the_connection_serves_more(host: Host) -> None:
    with Ssh(host) as ssh:
        assert ssh.run(["fail"]).status == 3
        assert ssh.run(["true"]).ok


def test_much_input_to_a_command_that_does_not_read_it(host: Host) -> None:
    assert run(host, ["deaf"], b"x" * 10_000_000).text == "deaf|"


def test_what_a_command_tells_is_heard_and_its_output_passed_on(host: Host) -> None:
    lines: list[str] = []
    pieces: list[bytes] = []
    with Ssh(host) as ssh:
        text = io.BytesIO(b"x" * 700_000)
        result = ssh.run(["echo"], text, told=lines.append, sink=pieces.append)
    assert lines == ["first", "last"]
    assert b"".join(pieces) == b"echo|" + b"x" * 700_000
    assert (result.stdout, result.complaint) == (b"", "last")


def test_a_connection_lost_meanwhile_is_an_error(host: Host) -> None:
    with pytest.raises(SshError, match=r"be1 \(127.0.0.1\)"):
        run(host, ["vanish"])


def test_a_command_that_is_kept_answers_each_time(host: Host) -> None:
    with Ssh(host) as ssh, ssh.talk(["talk"]) as ask:
        assert [ask(b""), ask(b"one\n"), ask(b"two\n")] == [b"hello\n", b"heard one\n", b"heard two\n"]
        with pytest.raises(EndedError) as ended:
            ask(b"end\n")
    assert (ended.value.result.status, ended.value.result.complaint) == (1, "had enough")


def test_a_connection_lost_in_a_talk_is_one_hosts_error(host: Host) -> None:
    def work(ssh: Ssh) -> bytes:
        with ssh.talk(["talk"]) as ask:
            ask(b"")
            return ask(b"lose\n")

    lost, _ = on_each([host, host], work)
    assert lost.error is not None
    assert lost.value is None


def test_what_goes_wrong_between_answers_stays_what_it_is(host: Host) -> None:
    def work() -> None:
        with Ssh(host) as ssh, ssh.talk(["talk"]) as ask:
            ask(b"")
            Path("/nowhere").read_bytes()

    with pytest.raises(FileNotFoundError):
        work()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"user": "eve"}, "does not let eve in"),
        ({"private_key": "/nowhere"}, "/nowhere is missing"),
        ({"port": 1}, "no SSH"),
    ],
)
def test_why_a_host_cannot_be_reached(host: Host, values: dict[str, object], message: str) -> None:
    with pytest.raises(SshError, match=message):
        run(changed(host, **values), ["true"])


def test_an_unknown_host_key_is_refused(host: Host, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(SshError, match="host key is not known"):
        run(changed(host, known_hosts=str(tmp_path / "empty")), ["true"])


def test_another_host_key_is_refused(host: Host, tmp_path: Path) -> None:
    key = make_key(tmp_path / "other")
    line = f"[127.0.0.1]:{host.connection.port} {key.get_name()} {key.get_base64()}\n"
    (tmp_path / "wrong").write_text(line)
    with pytest.raises(SshError, match="not the one known"):
        run(changed(host, known_hosts=str(tmp_path / "wrong")), ["true"])


def test_hosts_that_answer_finish_though_one_does_not(host: Host) -> None:
    dead = changed(host, port=1)
    first, second = on_each([dead, host], lambda ssh: ssh.run(["true"]).ok)
    assert first.error is not None
    assert second.value is True
    assert on_each([], lambda ssh: None) == []
