"""Ask a frontend what it knows of the counters: they answer to frontends alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.adapters import ssh
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host
from provisioner.core.usage import Ban, Counts

_COMMAND = "/usr/local/sbin/provisioner-quota"


def read(frontends: Sequence[Host], zones: Mapping[str, str], days: int) -> dict[str, Counts]:
    """The counts of customers (name → time zone) from the first frontend that can tell. HostsFailed: none."""
    said = ask(frontends, "usage", {"days": days, "customers": dict(zones)})
    return {name: Counts(found["days"], found["hour"]) for name, found in said.items()}


def bans(frontends: Sequence[Host], logins: Sequence[str]) -> tuple[Ban, ...]:
    """Who is kept from these logins for failed passwords. HostsFailed: no frontend can tell."""
    said = ask(frontends, "bans", {"logins": list(logins)})
    return tuple(Ban(login=login, **ban) for login, found in said.items() for ban in found)


def lift_bans(frontends: Sequence[Host], logins: Sequence[str]) -> int:
    """End the bans that keep anybody from these logins; how many. HostsFailed: no frontend can."""
    return int(ask(frontends, "unban", {"logins": list(logins)}))


def claim(frontends: Sequence[Host], names: Sequence[str]) -> list[bool]:
    """Take names of notices for two days; for each whether it was free. HostsFailed: no frontend can."""
    return list(ask(frontends, "claim", {"names": list(names)}))


def release(frontends: Sequence[Host], names: Sequence[str]) -> None:
    """Give names back, since the notices were not sent. HostsFailed: no frontend can."""
    ask(frontends, "release", {"names": list(names)})


def ask(frontends: Sequence[Host], verb: str, question: object) -> Any:
    """The answer of the first frontend that gives one. HostsFailed: none does."""
    complaints: list[str] = []
    for host in frontends:
        try:
            result = ssh.run(host, ("sudo", _COMMAND, verb), json.dumps(question).encode())
        except ssh.SshError as error:
            complaints.append(f"{host.name}: {error.reason}")
            continue
        if result.ok:
            return json.loads(result.stdout)
        complaints.append(
            f"{host.name}: {result.complaint.splitlines()[-1] if result.complaint else 'no answer'}"
        )
    raise HostsFailed(
        f"No frontend can ask the counters: {'; '.join(complaints)}",
        hint="'provisioner status' shows which hosts are well",
    )
