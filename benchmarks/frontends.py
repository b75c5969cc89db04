"""Ask every frontend at once what it knows, over connections that were there before the clock ran."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from benchmarks import lab
from provisioner.adapters.ssh import Ssh

# Its own Dovecot, as its Postfix asks it; the password goes over standard input.
LOGIN = (
    "sh",
    "-c",
    'while read -r login secret; do doveadm auth test "$login" "$secret" >&2 && echo yes || echo no; done',
)
# Its quota service, as its Postfix asks it.
_DECIDE = """
import socket, sys
for login in sys.stdin:
    with socket.socket(socket.AF_UNIX) as service:
        service.connect("/run/provisioner-quota/policy.sock")
        service.sendall(f"protocol_state=DATA\\ninstance=1\\nsasl_username={login.strip()}\\n\\n".encode())
        print(service.recv(4096).decode().partition("\\n")[0])
"""
DECISION = ("python3", "-uc", _DECIDE)

Ask = Callable[[str], list[str]]


@contextmanager
def asked(program: Sequence[str]) -> Iterator[Ask]:
    """Run a program on each frontend; what is yielded gives all of them a line, and returns theirs."""
    with ExitStack() as stack:
        talks = [
            stack.enter_context(stack.enter_context(Ssh(host)).talk(["sudo", *program]))
            for host in lab.inventory().group("frontends")
        ]
        pool = stack.enter_context(ThreadPoolExecutor(len(talks)))
        yield lambda line: [
            answer.decode().strip() for answer in pool.map(lambda ask: ask(f"{line}\n".encode()), talks)
        ]


def wait(ask: Ask, line: str, wanted: Callable[[str], bool], deadline: float) -> None:
    """Until all answer as wanted. Raises SystemExit at the deadline."""
    while not all(wanted(answer) for answer in ask(line)):
        if time.monotonic() > deadline:
            raise SystemExit("the frontends do not all know it")
        time.sleep(0.05)
