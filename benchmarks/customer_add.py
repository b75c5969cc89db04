"""From starting `provisioner customer add` until both frontends accept the new login."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import lab
from benchmarks.report import Ratio
from provisioner.adapters import ssh
from provisioner.core.fleet import Host

ROUNDS = 5
GOAL = 2.0
PATIENCE = 30.0


def run() -> list[Ratio]:
    """Add customers, log in at each frontend until it is accepted, remove them. Needs the running lab."""
    lab.machines()
    times = [_round(number) for number in range(ROUNDS)]
    return [Ratio("customer add until both accept", median(times), "goal", GOAL, "s", "≤ 1")]


def _round(number: int) -> float:
    name = f"bench{number}"
    cli = [str(Path(sys.executable).parent / "provisioner"), "-i", str(lab.PATH), "customer"]
    begun = time.monotonic()
    done = subprocess.run(
        [*cli, "add", name, "--domain", f"{name}.example", "--contact", f"it@{name}.example", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"customer add: {done.stderr}")
    password = json.loads(done.stdout)["password"]
    try:
        for frontend in lab.inventory().group("frontends"):
            await_login(frontend, name, password, begun + PATIENCE)
        return time.monotonic() - begun
    finally:
        subprocess.run([*cli, "remove", name, "--yes"], capture_output=True, check=True)


def await_login(frontend: Host, login: str, password: str, deadline: float) -> None:
    """Ask the frontend's own Dovecot, as its Postfix does; the password goes over standard input."""
    ask = ["sudo", "sh", "-c", 'read -r secret; exec doveadm auth test "$0" "$secret"', login]
    while not ssh.run(frontend, ask, f"{password}\n".encode()).ok:
        if time.monotonic() > deadline:
            raise SystemExit(f"{frontend.name} does not accept the login")
        time.sleep(0.05)
