"""SSH against a small server in this process: no host needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.adapters.ssh import EndedError, Ssh, SshError, on_each, run
from provisioner.core.fleet import Host
from tests.ssh_server import changed, make_key, serving


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with serving(tmp_path) as found:
        yield found


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
    with pytest.raises(SshError, match="host key is not known") as refused:
        run(changed(host, known_hosts=str(tmp_path / "empty")), ["true"])
    assert f"ssh-keyscan -p {host.connection.port} 127.0.0.1 >>" in refused.value.hint


def test_another_host_key_is_refused(host: Host, tmp_path: Path) -> None:
    key = make_key(tmp_path / "other")
    line = f"[127.0.0.1]:{host.connection.port} {key.get_name()} {key.get_base64()}\n"
    (tmp_path / "wrong").write_text(line)
    with pytest.raises(SshError, match="not the one known") as refused:
        run(changed(host, known_hosts=str(tmp_path / "wrong")), ["true"])
    assert f"-R '[127.0.0.1]:{host.connection.port}'" in refused.value.hint


def test_files_in_the_home_folder_are_found(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(changed(host, private_key="~/user", known_hosts="~/known_hosts"), ["true"]).ok


def test_hosts_that_answer_finish_though_one_does_not(host: Host) -> None:
    dead = changed(host, port=1)
    first, second = on_each([dead, host], lambda ssh: ssh.run(["true"]).ok)
    assert first.error is not None
    assert second.value is True
    assert on_each([], lambda ssh: None) == []
