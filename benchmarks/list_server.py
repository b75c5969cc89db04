"""A campaign from a list server through the fleet: who is lost, who gets two, and whose work is the limit.

The receiver takes its time, as big ones do: with one that answers at once, and all hosts on the same few
processors, whatever works most on a message is the limit, as it is not in a fleet of machines of their own.
Whose work is the limit shows in when each has finished: the list server with handing over, the backends with
delivering. Its CPU-seconds stand beside those of all other hosts of the fleet.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks import lab
from benchmarks.report import Ratio
from provisioner.adapters import dem_hosts
from provisioner.adapters.lab import EmbeddedLab

READERS = int(os.environ.get("BENCH_READERS", "10000"))
RECEIVER = "sink.test"
TAKES = int(os.environ.get("BENCH_RECEIVER_TAKES", "2"))
"""Seconds that the receiver takes for a message; 0 is at once."""
CUSTOMER, SITE = "acme", "news.acme.example"
PATIENCE = 1800.0
LOOK = 5.0
FLEET = ("loadbalancers", "frontends", "backends", "state")


def run() -> list[Ratio]:
    """Measure in the running lab with customer `acme`, who gets a list server if there is none."""
    lab.machines()
    create = [sys.executable, "-m", "provisioner", "-i", str(lab.PATH), "dem", "create"]
    subprocess.run([*create, CUSTOMER, "--site", SITE, "--no-check"], check=True)
    running, inventory = lab.machines(), lab.inventory()
    server = inventory.dem_server(CUSTOMER)
    assert server is not None
    host = inventory.host(server.host)
    assert host is not None
    fleet = [each.name for group in FLEET for each in inventory.group(group)]
    backends = [each.name for each in inventory.group("backends")]
    mark = f"b{time.time_ns()}"
    with dem_hosts.talking(host) as talk, _behaving(running, inventory.group("world")[0].name):
        talk.ask("list-create", question={"name": mark, "subject": "Benchmark", "language": "en"})
        readers = [f"{mark}-{number}@{RECEIVER}" for number in range(READERS)]
        begun = time.monotonic()
        talk.ask("subscribe", question={"list": mark, "emails": readers, "declaration": "A benchmark"})
        print(f"{READERS:,} readers imported in {time.monotonic() - begun:.0f} s", flush=True)
        before = _cpu(running, [server.host]), _cpu(running, fleet)
        talk.ask("send", question={"list": mark, "subject": mark, "text": "x" * 2000, "html": ""})
        handed, delivered, waiting, received = _followed(running, server.host, backends, mark)
    own, others = _cpu(running, [server.host]) - before[0], _cpu(running, fleet) - before[1]
    doubled = sum(count > 1 for count in received.values())
    print(
        f"{READERS - len(received)} lost, {doubled} doubled; most waiting: {waiting[0]} on the list server,"
        f" {waiting[1]} on the backends",
        flush=True,
    )
    return [
        Ratio("handing over", READERS / handed, "delivering", READERS / delivered, "messages/s", "> 1"),
        Ratio("list server", 1000 * own / READERS, "the fleet", 1000 * others / READERS, "CPU-ms a message"),
    ]


@contextmanager
def _behaving(running: EmbeddedLab, world: str) -> Iterator[None]:
    """Have the receiver take its time meanwhile."""
    _shell(running, world, f"world-behaviour set {RECEIVER} {f'slow:{TAKES}' if TAKES else 'accept'}")
    try:
        yield
    finally:
        _shell(running, world, f"world-behaviour clear {RECEIVER}")


def _followed(
    running: EmbeddedLab, server: str, backends: Sequence[str], mark: str
) -> tuple[float, float, tuple[int, int], Counter[str]]:
    """Seconds until the backends had the whole campaign, and until the receiver had it.

    Besides, the longest queues of the list server and of the backends, and who received how often.
    """
    begun, handed = time.monotonic(), 0.0
    own, theirs = [0], [0]
    while True:
        received = _received(running, backends, mark)
        theirs.append(sum(_queued(running, name) for name in backends))
        own.append(_queued(running, server))
        seconds = time.monotonic() - begun
        if not handed and received.total() + theirs[-1] >= READERS:
            handed = seconds
        if received.total() >= READERS or seconds > PATIENCE:
            return handed or seconds, seconds, (max(own), max(theirs)), received
        time.sleep(LOOK)


def _queued(running: EmbeddedLab, name: str) -> int:
    return len(_shell(running, name, "postqueue -j").splitlines())


def _received(running: EmbeddedLab, backends: Sequence[str], mark: str) -> Counter[str]:
    """How often the receiving server took a message for each reader, by the backends' logs."""
    find = f"grep -h 'to=<{mark}-.*status=sent' /var/log/mail.log || true"
    lines = "".join(_shell(running, name, find) for name in backends)
    return Counter(re.findall(rf"to=<({mark}-\d+)@", lines))


def _cpu(running: EmbeddedLab, hosts: Sequence[str]) -> float:
    """CPU-seconds of all processes that hosts have, and have had: those count for who waited for them."""
    total = 0
    for name in hosts:
        for line in _shell(running, name, "cat /proc/[0-9]*/stat 2>/dev/null || true").splitlines():
            # proc_pid_stat(5): utime, stime, cutime, cstime, behind the name in parentheses.
            total += sum(int(ticks) for ticks in line.rpartition(")")[2].split()[11:15])
    return total / 100


def _shell(running: EmbeddedLab, name: str, script: str) -> str:
    container = running.lab.container(name)
    return running.substrate.podman("exec", container, "sh", "-c", script).stdout.decode(errors="replace")
