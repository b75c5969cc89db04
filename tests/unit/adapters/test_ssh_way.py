"""By which way a host is reached, and with whose key: as ssh(1) would."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from provisioner.adapters.ssh import SshError, run
from provisioner.core.fleet import Host
from tests.ssh_server import changed, make_key, serving


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with serving(tmp_path) as found:
        yield found


RELAY = f"""\
#!{sys.executable}
import pathlib, socket, sys, threading
pathlib.Path(__file__).with_name("asked").write_text(" ".join(sys.argv[1:]))
link = socket.create_connection(("127.0.0.1", PORT))

def out():
    while piece := link.recv(65536):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()

threading.Thread(target=out, daemon=True).start()
while piece := sys.stdin.buffer.raw.read(65536):
    link.sendall(piece)
"""


@pytest.fixture
def far(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host as one that no packet reaches: only a program called ssh knows the way."""
    (tmp_path / "bin").mkdir()
    relay = tmp_path / "bin/ssh"
    relay.write_text(RELAY.replace("PORT", str(host.connection.port)))
    relay.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    known = (tmp_path / "known_hosts").read_text()
    (tmp_path / "known_hosts").write_text(known.replace(f"[127.0.0.1]:{host.connection.port}", "192.0.2.1"))
    return dataclasses.replace(changed(host, port=22), address=ip_address("192.0.2.1"))


def asked(tmp_path: Path) -> str:
    return (tmp_path / "bin/asked").read_text()


def test_the_way_goes_through_a_command(far: Host, tmp_path: Path) -> None:
    there = changed(far, proxy_command="ssh -q gateway 'at 100%%' %h:%p %r")
    assert run(there, ["echo"], b"x" * 300_000).text == "echo|" + "x" * 300_000
    assert asked(tmp_path) == "-q gateway at 100% 192.0.2.1:22 deploy"


def test_the_way_goes_through_other_hosts(far: Host, tmp_path: Path) -> None:
    assert run(changed(far, proxy_jump="first,admin@second:2222"), ["true"]).ok
    assert asked(tmp_path) == "-o BatchMode=yes -J first -W [192.0.2.1]:22 ssh://admin@second:2222"


def test_a_way_that_ends_says_so_at_once(host: Host) -> None:
    began = time.monotonic()
    with pytest.raises(SshError, match="no SSH: nobody there"):
        run(changed(host, proxy_command="echo nobody there >&2"), ["true"])
    assert time.monotonic() - began < 5


@pytest.fixture
def agent(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The host; an agent holds the user's key, after others, and the key's file has got a passphrase."""
    keys = [tmp_path / name for name in ("other0", "other1", "other2", "user")]
    for key in keys[:-1]:
        make_key(key)
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        while not path.exists():
            time.sleep(0.01)
        for key in keys:
            key.chmod(0o600)
            subprocess.run(["ssh-add", "-q", str(key)], check=True)
        passphrase = ["ssh-keygen", "-q", "-p", "-N", "passphrase", "-f", str(keys[-1])]
        subprocess.run(passphrase, check=True, stdout=subprocess.DEVNULL)
        yield host
    finally:
        process.kill()
        process.wait()


def test_a_key_with_a_passphrase_is_the_agents(agent: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(agent, ["true"]).ok
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(SshError, match="has a passphrase") as refused:
        run(agent, ["true"])
    assert refused.value.hint.endswith(f"ssh-add {agent.connection.private_key}")


def test_of_an_agents_keys_only_the_one_that_is_named_is_tried(agent: Host, tmp_path: Path) -> None:
    with pytest.raises(SshError, match="does not let deploy in"):
        run(changed(agent, private_key=str(tmp_path / "other1")), ["true"])
