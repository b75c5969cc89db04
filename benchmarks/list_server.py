"""A campaign from a list server through the fleet: who is lost, who gets two, and whose work is the limit.

The list server's CPU-seconds stand beside those of all other hosts of the fleet. Which of them is the limit
shows in the queues too: what waits in the list server's own queue waits for the fleet.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks import lab
from benchmarks.report import Ratio
from provisioner.adapters import dem_hosts
from provisioner.adapters.lab import EmbeddedLab

READERS = 10_000
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
    waiting = []
    with dem_hosts.talking(host) as talk:
        talk.ask("list-create", question={"name": mark, "subject": "Benchmark", "language": "en"})
        readers = [f"{mark}-{number}@sink.test" for number in range(READERS)]
        begun = time.monotonic()
        talk.ask("subscribe", question={"list": mark, "emails": readers, "declaration": "A benchmark"})
        print(f"{READERS:,} readers imported in {time.monotonic() - begun:.0f} s", flush=True)
        before = _cpu(running, [server.host]), _cpu(running, fleet)
        begun = time.monotonic()
        talk.ask("send", question={"list": mark, "subject": mark, "text": "x" * 2000, "html": ""})
        while (received := _received(running, backends, mark)).total() < READERS:
            if time.monotonic() - begun > PATIENCE:
                break
            waiting.append(len(_shell(running, server.host, "postqueue -j").splitlines()))
            time.sleep(LOOK)
        seconds = time.monotonic() - begun
    own, others = _cpu(running, [server.host]) - before[0], _cpu(running, fleet) - before[1]
    doubled = sum(count > 1 for count in received.values())
    print(
        f"{READERS - len(received)} lost, {doubled} doubled, {READERS / seconds:.1f} messages/s; "
        f"waiting for the fleet on the list server: {max(waiting, default=0)} at most",
        flush=True,
    )
    return [
        Ratio(
            "list server",
            1000 * own / READERS,
            "the fleet",
            1000 * others / READERS,
            "CPU-ms a message",
            "< 1",
        )
    ]


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
