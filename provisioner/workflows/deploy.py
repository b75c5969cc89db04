"""Bring every host to where the inventory says: secrets, roles, then the tenant bundle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.plays import Listener, PlayReport
from provisioner.core.tenants import HostResult
from provisioner.workflows.fleet_secrets import ensure_secrets
from provisioner.workflows.ports import SecretStore, TenantStore
from provisioner.workflows.push import PushReport, TenantPush, push_tenants

SITE = "site"
"""The playbook that deploys everything."""

_PLAIN_NAME = re.compile(r"[a-z0-9_-]+")

Say = Callable[[str], None]
"""Told what is being done, a sentence at a time."""


class Playbooks(Protocol):
    """Runs playbooks on one inventory's hosts."""

    def run(
        self, playbook: str, listener: Listener, *, limit: str = "", check: bool = False, diff: bool = False
    ) -> PlayReport:
        """Run a playbook by name; the listener is told what happens. Failing hosts are in the report."""


@dataclass(frozen=True)
class DeployTools:
    """What a deployment works with."""

    secrets: SecretStore
    playbooks: Playbooks
    push: TenantPush
    store: TenantStore


@dataclass(frozen=True)
class DeployOptions:
    """What to deploy: `limit` as Ansible's --limit; `check` changes no host, and replaces no certificate;
    `diff` shows changed files.

    playbook: a part of the site's, for hosts of one kind.
    """

    limit: str = ""
    check: bool = False
    diff: bool = False
    playbook: str = SITE


@dataclass(frozen=True)
class DeployReport:
    """What was done: hosts that took part, those that changed, and the tenant bundle they have now."""

    hosts: int
    changed: int
    bundle: str


def deploy(
    inventory: Inventory,
    tools: DeployTools,
    options: DeployOptions,
    *,
    listener: Listener,
    say: Say,
    now: datetime,
) -> DeployReport:
    """Deploy. Raises UsageError for a limit that names nothing, HostsFailed naming the hosts not done.

    A host that fails or does not answer keeps no other from being finished.
    """
    _check_limit(inventory, options.limit)
    # Ansible cannot fill in files from secrets that there are not: what is missing is made for a check, too.
    secrets = ensure_secrets(inventory, tools.secrets, now, only_missing=options.check)
    if secrets.made:
        say(f"Made {_listed(secrets.made)}")
    if secrets.due:
        say(f"Would replace {_listed(secrets.due)}")
    report = _run(tools.playbooks, options, listener, say)
    if report.complaint:
        raise HostsFailed(f"Ansible could not run: {report.complaint}")
    pushed = PushReport("", ()) if options.check else _push(tools, report)
    _require_all(report, pushed.results)
    return DeployReport(len(report.recap.hosts), len(report.recap.changed), pushed.version)


def _run(playbooks: Playbooks, options: DeployOptions, listener: Listener, say: Say) -> PlayReport:
    """Run the playbook to its end.

    Ansible leaves off after a play in which every host was lost, as it happens where a group has one host;
    those of later plays wait then, and so it is run again for them.
    """
    whole = playbooks.run(
        options.playbook, listener, limit=options.limit, check=options.check, diff=options.diff
    )
    lost: frozenset[str] = frozenset()
    while whole.broken_off and whole.lost > lost:
        lost = whole.lost
        say(f"Once more for the hosts that had no turn yet, without {', '.join(sorted(lost))}")
        limit = _without(options.limit, lost)
        again = playbooks.run(options.playbook, listener, limit=limit, check=options.check, diff=options.diff)
        if again.nobody:
            break
        whole = whole.followed_by(again)
    return whole


def _push(tools: DeployTools, report: PlayReport) -> PushReport:
    """Bring the tenants to the hosts that are done; they may have changed while Ansible ran."""
    with tools.store.locked():
        inventory = tools.store.load()
        done = report.recap.hosts - report.lost
        hosts = tuple(host for host in inventory.tenant_hosts if host.name in done)
        return push_tenants(inventory, tools.store.key_loader(inventory), tools.push, hosts)


def _without(limit: str, hosts: Iterable[str]) -> str:
    """A limit that leaves out some hosts more, in Ansible's patterns: one comma rules out colons."""
    sign = "," if "," in limit else ":"
    return sign.join([limit or "all", *(f"!{host}" for host in sorted(hosts))])


def _check_limit(inventory: Inventory, limit: str) -> None:
    """Refuse names that the inventory lacks; what is a pattern rather than a name is Ansible's to read."""
    names = {host.name for host in inventory.hosts}.union(*(host.groups for host in inventory.hosts), {"all"})
    asked = [part for part in re.split(r"[,:]", limit) if _PLAIN_NAME.fullmatch(part)]
    unknown = [part for part in asked if part not in names]
    if unknown:
        raise UsageError(
            f"No such host or group in the inventory: {', '.join(unknown)}",
            hint=f"It has {', '.join(sorted(names))}",
        )


def _require_all(report: PlayReport, results: Sequence[HostResult]) -> None:
    refused = [result for result in results if not result.ok]
    parts = [
        _part(report.recap.failed, "failed"),
        _part(report.recap.unreachable, "did not answer"),
        *(f"{result.host} did not take the tenant bundle ({result.message})" for result in refused),
    ]
    missing = report.lost | {result.host for result in refused}
    if missing:
        raise HostsFailed(
            f"{len(missing)} of {len(report.recap.hosts)} hosts are not done: "
            + "; ".join(part for part in parts if part),
            hint="The other hosts are finished. Mend what is said above and run the same command again: "
            "it completes what is missing",
        )


def _part(hosts: Iterable[str], what: str) -> str:
    names = sorted(hosts)
    return f"{', '.join(names)} {what}" if names else ""


def _listed(made: Sequence[str]) -> str:
    """The first few, and how many more: a new fleet makes a certificate for each of its hosts."""
    shown = 3
    rest = len(made) - shown
    return ", ".join(made[:shown]) + (f" and {rest} more" if rest > 0 else "")
