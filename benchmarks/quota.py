"""Decision time of a frontend's quota service, beside a bare policy service there that answers DUNNO.

Both are asked over a Unix socket as Postfix asks, in turns, by several clients: when the text of a message
begins, and when it has come. The quota service asks the store of the fleet over TLS for every message; the
bare one does nothing at all. Each of the two questions is told by itself: what begins is answered without the
store, and only the answer to the end is what the store has counted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks import lab
from benchmarks.report import Ratio
from provisioner.adapters import ssh
from provisioner.core.errors import HostsFailed

GOAL = "≤ 1.5"
_PROGRAM = Path(__file__).with_name("remote_quota.py")


def run() -> list[Ratio]:
    """Measure on the first frontend of the running lab. Needs a customer with an account there."""
    return measured("quota decision", ("DATA", "END-OF-MESSAGE"))


def measured(what: str, states: Sequence[str], goal: str = GOAL) -> list[Ratio]:
    """The same of questions in some of Postfix's states."""
    lab.machines()
    inventory = lab.inventory()
    login = next((login for customer in inventory.customers for login in customer.logins), None)
    if login is None:
        raise SystemExit("the lab has no customer: 'provisioner lab prove' first")
    result = ssh.run(
        inventory.group("frontends")[0], ["sudo", "python3", "-", login, *states], _PROGRAM.read_bytes()
    )
    if not result.ok:
        raise HostsFailed(result.complaint)
    said = json.loads(result.stdout)
    return [
        Ratio(
            f"{what} at {state}, {name}",
            said["quota"][state][name],
            "bare policy service",
            said["bare"][state][name],
            "ms",
            goal,
        )
        for state in states
        for name in ("median", "p99")
    ]
