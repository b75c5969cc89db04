"""Campaigns of list servers: what their hosts know of them, and what backends' logs and lists add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from provisioner.adapters.deliveries import run_tool
from provisioner.adapters.dem_hosts import DemHost
from provisioner.adapters.ssh import Ssh, on_each
from provisioner.core.campaigns import Attempt, Campaign
from provisioner.core.dem import DemServer
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host

_TOOL = "provisioner_campaign.py"


def listed(talk: DemHost) -> list[Campaign]:
    """The campaigns of a list server, the newest first. Raises HostsFailed, DemRefused."""
    found: list[Campaign] = []
    next_of: dict[str, datetime] = {}
    for each in sorted(talk.ask("campaigns"), key=lambda each: float(each["started"]), reverse=True):
        path, started = str(each["path"]), datetime.fromtimestamp(float(each["started"]), UTC)
        found.append(
            Campaign(
                str(each["id"]),
                str(each["list"]),
                str(each["subject"]),
                started,
                int(each["recipients"]),
                int(each.get("unsubscribed", 0)),
                path,
                next_of.get(path),
            )
        )
        next_of[path] = started
    return found


def attempts(backends: Sequence[Host], server: DemServer, campaign: Campaign) -> Mapping[str, Attempt]:
    """What became of each recipient so far, by all backends' logs. Raises HostsFailed when one can't tell."""
    until = f"{campaign.until.timestamp():.0f}" if campaign.until else "inf"
    arguments = (server.account, campaign.path, f"{campaign.started.timestamp():.0f}", until)

    def read(ssh: Ssh) -> dict[str, tuple[str, str, str, int]]:
        found: dict[str, tuple[str, str, str, int]] = run_tool(ssh, _TOOL, arguments)
        return found

    outcomes = on_each(backends, read)
    failed = [str(outcome.error) for outcome in outcomes if outcome.error is not None]
    if failed:
        raise HostsFailed(f"Not every backend tells what it delivered: {'; '.join(failed)}")
    latest: dict[str, tuple[str, str, str, int]] = {}
    for outcome in outcomes:
        for address, said in (outcome.value or {}).items():
            if address not in latest or said[3] >= latest[address][3]:
                latest[address] = said
    return {address: Attempt(status, dsn, said) for address, (status, dsn, said, _) in latest.items()}
