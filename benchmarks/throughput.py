"""Messages through the complete path against one bare Postfix: same cores, generator and receiving server.

Complete: load balancer, TLS, login, sender check, hand-over over TLS, From: check, two signatures, queue,
delivery over TLS. Bare: Debian's Postfix as it installs, plain SMTP in, one queue, delivery by its defaults.
Each is measured from the first submission until the receiving server has taken the last message; the two
take turns, and the medians count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from statistics import median

from benchmarks import lab
from benchmarks.load import Load, Target, submit
from benchmarks.report import Ratio
from provisioner.adapters import passwords, tenants
from provisioner.adapters.lab import EmbeddedLab, image
from provisioner.adapters.lab import hosts as machines
from provisioner.adapters.lab.layout import LabHost
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.workflows.probe import temporary_login

BARE = LabHost("bare1", IPv4Address("10.77.0.9"))
MESSAGES = 2000
SESSIONS = 20
SIZE = 4096
ROUNDS = 3
PATIENCE = 120.0
SINK = "reader@sink.test"
_INSTALL = r"""
test -x /usr/sbin/postfix && exit 0
apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postfix
postconf -e 'mynetworks = 127.0.0.0/8 10.77.0.0/24' 'myhostname = bare1.operator.example'
postconf -e 'maillog_file = /var/log/mail.log'
# Its limit of sessions from one client, as the frontends' is: both have to take the same load.
postconf -e 'smtpd_client_connection_count_limit = 0'
systemctl restart postfix
"""


@dataclass(frozen=True)
class Round:
    """One measurement: messages a second until all were received, and CPU-seconds a message."""

    rate: float
    cpu: float


def run() -> list[Ratio]:
    """Measure both in turn. Needs the running lab with customer `acme`, as `make lab` leaves it."""
    running, inventory = lab.machines(), lab.inventory()
    bare = _bare_postfix(running)
    backends = _Senders(running, [host.name for host in inventory.group("backends")])
    alone = _Senders(running, [BARE.name])
    complete_rounds, bare_rounds = [], []
    with temporary_login(TenantFiles(lab.PATH), "acme", passwords, tenants.push, print) as login:
        complete = Target(
            str(inventory.settings.virtual_address),
            587,
            inventory.settings.submission_name,
            (login.name, login.password),
            lab.PATH / "secrets/ca.crt",
        )
        load = Load(MESSAGES, SESSIONS, SIZE, "load@acme.example", SINK)
        for target, senders in ((complete, backends), (bare, alone)):  # caches, processes, connections
            _measure(target, replace(load, messages=200), senders)
        for number in range(ROUNDS):
            complete_rounds.append(_measure(complete, load, backends))
            bare_rounds.append(_measure(bare, load, alone))
            print(f"round {number + 1}: complete {complete_rounds[-1]}, bare {bare_rounds[-1]}", flush=True)

    def middle(rounds: list[Round], field: Callable[[Round], float]) -> float:
        return median(field(each) for each in rounds)

    return [
        Ratio(
            "complete path",
            middle(complete_rounds, lambda each: each.rate),
            "bare Postfix",
            middle(bare_rounds, lambda each: each.rate),
            "messages/s",
            "≥ 0.45",
        ),
        Ratio(
            "complete path",
            1000 * middle(complete_rounds, lambda each: each.cpu),
            "bare Postfix",
            1000 * middle(bare_rounds, lambda each: each.cpu),
            "CPU-ms a message",
        ),
    ]


def _bare_postfix(running: EmbeddedLab) -> Target:
    """A machine with Debian's Postfix in the lab's network; `lab down` removes it with the others."""
    only = replace(running.lab, hosts=(BARE,))
    state = machines.states(only, running.substrate)[0].state
    made_of = image.machine(running.substrate)
    machines.start(only, BARE, state, running.identity, running.substrate, made_of)
    machines.wait_for_ssh(only)
    running.substrate.podman("exec", only.container(BARE.name), "sh", "-ec", _INSTALL)
    return Target(str(BARE.address), 25)


@dataclass(frozen=True)
class _Senders:
    """The machines that deliver to the receiving server; their logs say what it has taken."""

    running: EmbeddedLab
    names: list[str]

    def delivered(self) -> int:
        total = 0
        for name in self.names:
            container = self.running.lab.container(name)
            count = ["grep", "--count", f"to=<{SINK}>.*status=sent", "/var/log/mail.log"]
            found = self.running.substrate.podman("exec", container, *count, check=False)
            total += int(found.stdout or 0)
        return total


def _measure(target: Target, load: Load, senders: _Senders) -> Round:
    before, busy = senders.delivered(), lab.busy_seconds()
    begun = time.monotonic()
    submit(target, load)
    while (done := senders.delivered() - before) < load.messages:
        if time.monotonic() - begun > PATIENCE:
            raise SystemExit(f"only {done} of {load.messages} messages arrived in {PATIENCE:.0f} s")
        time.sleep(0.2)
    seconds = time.monotonic() - begun
    return Round(load.messages / seconds, (lab.busy_seconds() - busy) / load.messages)
