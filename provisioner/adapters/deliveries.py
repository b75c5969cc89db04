"""Ask backends: what their logs tell of customers' mail, whether other servers take mail for an address."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from provisioner.adapters.ssh import Ssh, SshError, on_each
from provisioner.core.bounces import Bounce
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host
from provisioner.core.reconciliation import Ledger, LoginMail, Tally, together

_TOOLS = "/usr/local/lib/provisioner"
_HINT = "'provisioner status' shows which hosts are well; 'provisioner deploy' brings them what they lack"


def read(backends: Sequence[Host], since: float) -> Ledger:
    """What all backends took since a moment (seconds since 1970). Raises HostsFailed when one can't tell."""
    outcomes = on_each(backends, lambda ssh: run_tool(ssh, "provisioner_deliveries.py", (str(since),)))
    failed = [str(outcome.error) for outcome in outcomes if outcome.error is not None]
    if failed:
        raise HostsFailed(f"Not every backend tells what it took: {'; '.join(failed)}", hint=_HINT)
    return together(_ledger(outcome.value) for outcome in outcomes)


def bounces(backends: Sequence[Host], since: float) -> list[Bounce]:
    """Recipients whose delivery failed for good since a moment, the latest of each. Raises HostsFailed."""
    return [
        Bounce(login, recipient, dsn, said, datetime.fromtimestamp(at, UTC))
        for login, mail in read(backends, since).items()
        for recipient, (dsn, said, at) in mail.bounced.items()
    ]


def ask_mailboxes(backends: Sequence[Host], addresses: Sequence[str]) -> Mapping[str, tuple[int, str]]:
    """What the server of each address says to RCPT TO: code, text. Raises HostsFailed: no backend can ask."""
    said: dict[str, list[Any]] = _first(backends, "provisioner_mailboxes.py", "\n".join(addresses).encode())
    return {address: (code, text) for address, (code, text) in said.items()}


def hand_over(backends: Sequence[Host], notices: Sequence[Mapping[str, str]]) -> list[tuple[int, str]]:
    """Have a backend take notices ({account, sender, recipient, message}): code and text for each, in order.

    Raises HostsFailed when none takes them.
    """
    said: list[list[Any]] = _first(backends, "provisioner_notices.py", json.dumps(list(notices)).encode())
    return [(code, text) for code, text in said]


def _first(backends: Sequence[Host], tool: str, stdin: bytes) -> Any:
    """The answer of the first backend that gives one."""
    complaints = []
    for host in backends:
        try:
            with Ssh(host) as ssh:
                return run_tool(ssh, tool, (), stdin)
        except SshError as error:
            complaints.append(str(error))
    raise HostsFailed(f"No backend answers: {'; '.join(complaints) or 'there is none'}", hint=_HINT)


def run_tool(ssh: Ssh, tool: str, arguments: Sequence[str], stdin: bytes = b"") -> Any:
    """What one of the fleet's own tools on a backend says. Raises SshError when it can't."""
    result = ssh.run(["sudo", "python3", "-I", f"{_TOOLS}/{tool}", *arguments], stdin, silence=600)
    if not result.ok:
        raise SshError(ssh.host, result.complaint)
    return json.loads(result.stdout)


def _ledger(said: Any) -> Ledger:
    return {
        login: LoginMail(
            {int(start): Tally(*counts) for start, counts in found["quarters"].items()},
            found["senders"],
            {recipient: (dsn, text, at) for recipient, (dsn, text, at) in found["bounced"].items()},
        )
        for login, found in said["logins"].items()
    }
