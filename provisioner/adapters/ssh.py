"""Commands on hosts over SSH with paramiko: strict host keys, the same user, key, port and way as Ansible's.

`with Ssh(host) as ssh: ssh.run(["postqueue", "-j"])` keeps a connection for several commands, `run` for one,
`on_each` does the same on many hosts at once and lets those that answer finish. `talk` keeps a command, too.
"""

from __future__ import annotations

import logging
import shlex
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Generic, Self, TypeVar

import paramiko

from provisioner.adapters.ssh_faults import why
from provisioner.adapters.ssh_way import Proxy, file_of, held_key, proxy_command
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host

CONNECT_TIMEOUT = 10.0
"""Seconds in which a host must answer, for each step of logging in."""

SILENCE_TIMEOUT = 120.0
"""Seconds that a command may stay silent before the host counts as gone."""

AT_ONCE = 16
"""Hosts worked on in parallel: beyond that, key exchanges only wait for this machine's cores."""

PIECE = 262_144
"""Bytes of a long input or output that are in memory at a time."""

# What goes wrong is raised, and told by whom it concerns: not besides, with a traceback, on the terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

T = TypeVar("T")


class SshError(HostsFailed):
    """A host that cannot be reached, or does not let us in; exit code 3."""

    def __init__(self, host: Host, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{host.name} ({host.address}): {reason}", hint=hint)
        self.host = host
        self.reason = reason


@dataclass(frozen=True)
class Result:
    """What a command did: its exit status and what it wrote."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.status == 0

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode(errors="replace")

    @property
    def complaint(self) -> str:
        """The last line of standard error, else of standard output: mostly why it failed."""
        lines = (self.stderr.strip() or self.stdout.strip()).decode(errors="replace").splitlines()
        return lines[-1] if lines else f"exit status {self.status}"


class EndedError(Exception):
    """A command that was to answer ended instead."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.complaint)
        self.result = result


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of one host in `on_each`: `value`, or `error` when it did not answer."""

    host: Host
    value: T | None = None
    error: SshError | None = None


class Ssh:
    """One connection to a host, made on entering. Usable from several threads at once."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._client = paramiko.SSHClient()
        self._proxy: Proxy | None = None

    def __enter__(self) -> Self:
        """Connect. Raises SshError."""
        connection = self.host.connection
        key, known_hosts = file_of(connection.private_key), file_of(connection.known_hosts)
        self._client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            if known_hosts:
                self._client.load_host_keys(known_hosts)
            else:
                self._client.load_system_host_keys()
            if command := proxy_command(self.host):
                self._proxy = Proxy(command)
            with held_key(key) as held:
                self._client.connect(
                    str(self.host.address),
                    port=connection.port,
                    username=connection.user,
                    sock=self._proxy.socket if self._proxy else None,
                    pkey=held,
                    key_filename=key,
                    # A key that is named is the only one tried: agents may hold more than sshd takes.
                    allow_agent=key is None,
                    look_for_keys=key is None,
                    timeout=CONNECT_TIMEOUT,
                    banner_timeout=CONNECT_TIMEOUT,
                    auth_timeout=CONNECT_TIMEOUT,
                )
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise _explained(self.host, error, self._close()) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._close()

    def _close(self) -> str:
        """Close what is open; what the proxy said last, where there is one."""
        self._client.close()
        proxy, self._proxy = self._proxy, None
        return proxy.close() if proxy else ""

    def run(
        self,
        command: Sequence[str],
        stdin: bytes | BinaryIO = b"",
        *,
        silence: float = SILENCE_TIMEOUT,
        told: Callable[[str], None] | None = None,
        sink: Callable[[bytes], object] | None = None,
    ) -> Result:
        """Run a command, quoted for the shell, with `stdin` as its input; any exit status is a Result.

        silence: seconds that it may go on without a word. told: hears each line of its standard error as it
        comes. sink: takes its standard output piece by piece, which then is not in the Result.
        Raises SshError when the connection is lost.
        """
        with self._losses(), self._channel(command, silence) as channel:
            _send(channel, stdin)
            channel.shutdown_write()
            with channel.makefile("rb") as out, channel.makefile_stderr("rb") as err:
                with _listening(err, told) as said:
                    stdout = _passed_on(out, sink) if sink else out.read()
                stderr = said() if told else err.read()
            return self._result(channel.recv_exit_status(), stdout, stderr)

    @contextmanager
    def talk(self, command: Sequence[str]) -> Iterator[Callable[[bytes], bytes]]:
        """Run a command that answers with lines: what is yielded sends it bytes and returns the next line.

        Raises SshError when the connection is lost or nothing comes for SILENCE_TIMEOUT, EndedError when the
        command ended instead of answering.
        """
        with ExitStack() as stack:
            with self._losses():
                channel = stack.enter_context(self._channel(command, SILENCE_TIMEOUT))
                out = stack.enter_context(channel.makefile("rb"))

            def ask(sent: bytes) -> bytes:
                with self._losses():
                    _send(channel, sent)
                    line = bytes(out.readline())
                    if not line:
                        stderr = channel.makefile_stderr("rb").read()
                        raise EndedError(self._result(channel.recv_exit_status(), b"", stderr))
                return line

            yield ask

    @contextmanager
    def _channel(self, command: Sequence[str], silence: float) -> Iterator[paramiko.Channel]:
        transport = self._client.get_transport()
        if transport is None:
            raise EOFError
        channel = transport.open_session(timeout=CONNECT_TIMEOUT)
        try:
            channel.settimeout(silence)
            channel.exec_command(shlex.join(command))
            yield channel
        finally:
            with suppress(OSError, EOFError, paramiko.SSHException):  # of one that is lost, that was said
                channel.close()

    @contextmanager
    def _losses(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise _explained(self.host, error) from error

    def _result(self, status: int, stdout: bytes, stderr: bytes) -> Result:
        if status < 0:
            raise SshError(self.host, "the connection was lost while a command ran")
        return Result(status, stdout, stderr)


def run(host: Host, command: Sequence[str], stdin: bytes = b"") -> Result:
    """Run one command on one host over a connection of its own. Raises SshError."""
    with Ssh(host) as ssh:
        return ssh.run(command, stdin)


def on_each(hosts: Sequence[Host], work: Callable[[Ssh], T]) -> list[Outcome[T]]:
    """Do `work` on all hosts at once, each with its connection; outcomes in the order of `hosts`.

    A host that fails (SshError) does not keep the others from finishing. What else `work` raises is raised.
    """

    def one(host: Host) -> Outcome[T]:
        try:
            with Ssh(host) as ssh:
                return Outcome(host, value=work(ssh))
        except SshError as error:
            return Outcome(host, error=error)

    if not hosts:
        return []
    with ThreadPoolExecutor(min(AT_ONCE, len(hosts))) as pool:
        return list(pool.map(one, hosts))


@contextmanager
def _listening(err: Iterable[bytes], told: Callable[[str], None] | None) -> Iterator[Callable[[], bytes]]:
    """Pass lines on while something else is waited for; yields what tells all of them afterwards."""
    lines: list[bytes] = []

    def listen() -> None:
        with suppress(OSError):  # the connection is lost: whoever reads the output says so
            for line in err:
                lines.append(line)
                if told is not None:
                    told(line.decode(errors="replace").rstrip())

    listener = threading.Thread(target=listen, daemon=True)
    if told is not None:
        listener.start()
    yield lambda: b"".join(lines)
    if told is not None:
        listener.join()


def _passed_on(out: paramiko.ChannelFile, sink: Callable[[bytes], object]) -> bytes:
    while piece := out.read(PIECE):
        sink(piece)
    return b""


def _send(channel: paramiko.Channel, stdin: bytes | BinaryIO) -> None:
    try:
        if isinstance(stdin, bytes):
            channel.sendall(stdin)
        else:
            while piece := stdin.read(PIECE):
                channel.sendall(piece)
    except OSError:
        # The command ended without reading all of it; its status and words say why.
        if not channel.exit_status_ready():
            raise


def _explained(host: Host, error: Exception, said: str = "") -> SshError:
    reason, hint = why(host, error, said)
    return SshError(host, reason, hint=hint)
