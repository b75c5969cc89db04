"""What happens while Ansible runs a playbook, as records; and from ansible-runner's events to them.

The events' form: https://ansible.readthedocs.io/projects/runner/en/latest/intro/#event-structure
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_CENSORED = "its words are hidden, because the task handles secrets"
_NOBODY = "leaves us with no hosts to target"
_PREFIXES = ("Task failed: ", "Module failed: ", "Action failed: ")


class Outcome(StrEnum):
    """How a task ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class PlayStarted:
    """A play begins."""

    name: str


@dataclass(frozen=True)
class TaskStarted:
    """A task begins; its name has its role in front."""

    name: str


@dataclass(frozen=True)
class HostStarted:
    """A host begins with the current task."""

    host: str


@dataclass(frozen=True)
class HostDone:
    """A host has ended a task; `message` says why it failed, if it did."""

    host: str
    task: str
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True)
class Said:
    """Ansible's own output for one event, with terminal colours; `diff` when it shows a changed file."""

    text: str
    diff: bool = False


@dataclass(frozen=True)
class Recap:
    """The end: every host that took part, and which of them failed, could not be reached, or changed."""

    hosts: frozenset[str]
    changed: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    unreachable: frozenset[str] = frozenset()


Event = PlayStarted | TaskStarted | HostStarted | HostDone | Said | Recap
Listener = Callable[[Event], None]


@dataclass(frozen=True)
class PlayReport:
    """What came of a run.

    failures: the last word of each host that failed or was unreachable.
    complaint: what Ansible said when it could not even begin (a playbook that does not parse, no such host).
    broken_off: plays are left that did not begin.
    """

    recap: Recap
    failures: tuple[HostDone, ...] = field(default=())
    complaint: str = ""
    broken_off: bool = False

    @property
    def ok(self) -> bool:
        """Whether everything was done on every host."""
        return not (self.lost or self.complaint or self.broken_off)

    @property
    def lost(self) -> frozenset[str]:
        """The hosts that failed or could not be reached."""
        return self.recap.failed | self.recap.unreachable

    @property
    def nobody(self) -> bool:
        """Whether the limit left no host to work on."""
        return bool(self.complaint) and _NOBODY in " ".join(self.complaint.split())

    def followed_by(self, other: PlayReport) -> PlayReport:
        """Both runs together."""
        recap = Recap(
            self.recap.hosts | other.recap.hosts,
            self.recap.changed | other.recap.changed,
            self.recap.failed | other.recap.failed,
            self.recap.unreachable | other.recap.unreachable,
        )
        failures = (*self.failures, *other.failures)
        return PlayReport(recap, failures, other.complaint, other.broken_off)


def read_event(raw: Mapping[str, Any]) -> Event | None:
    """The record for one of ansible-runner's events; None for those that say nothing here."""
    kind = str(raw.get("event", ""))
    data: Mapping[str, Any] = raw.get("event_data") or {}
    task = task_name(data)
    match kind:
        case "playbook_on_play_start":
            return PlayStarted(str(data.get("name", "")))
        case "playbook_on_task_start":
            return TaskStarted(task)
        case "runner_on_start":
            return HostStarted(str(data.get("host", "")))
        case "runner_on_ok" | "runner_on_skipped" | "runner_on_failed" | "runner_on_unreachable":
            return _host_done(kind, task, data)
        case "playbook_on_stats":
            return _recap(data)
    return None


def task_name(data: Mapping[str, Any]) -> str:
    """A task's name with its role in front: `frontend: Write the configuration`."""
    role, task = str(data.get("role") or ""), str(data.get("task") or "")
    return f"{role}: {task}" if role and not task.startswith(f"{role} : ") else task.replace(" : ", ": ", 1)


def failure_message(result: Mapping[str, Any]) -> str:
    """Why a task failed, from its result: the module's message and the last lines of what a command said."""
    if "censored" in result:
        return _CENSORED
    items = [item for item in result.get("results", ()) if isinstance(item, Mapping) and item.get("failed")]
    if items:
        label = items[0].get("_ansible_item_label", items[0].get("item", ""))
        return f"{label}: {failure_message(items[0])}"
    message = str(result.get("msg") or "").strip()
    for prefix in _PREFIXES:
        message = message.removeprefix(prefix)
    said = [
        str(result.get(key) or "").strip() for key in ("stderr", "module_stderr", "stdout", "module_stdout")
    ]
    words = next((text for text in said if text and text not in message), "")
    parts = [message, *words.splitlines()[-5:]]
    return "\n".join(part for part in parts if part) or "it does not say why"


def _host_done(kind: str, task: str, data: Mapping[str, Any]) -> HostDone:
    host = str(data.get("host", ""))
    result: Mapping[str, Any] = data.get("res") or {}
    if kind == "runner_on_unreachable":
        return HostDone(host, task, Outcome.UNREACHABLE, failure_message(result))
    if kind == "runner_on_failed":
        outcome = Outcome.IGNORED if data.get("ignore_errors") else Outcome.FAILED
        return HostDone(host, task, outcome, failure_message(result))
    if kind == "runner_on_skipped":
        return HostDone(host, task, Outcome.SKIPPED)
    return HostDone(host, task, Outcome.CHANGED if result.get("changed") else Outcome.OK)


def _recap(data: Mapping[str, Any]) -> Recap:
    def hosts(key: str) -> frozenset[str]:
        return frozenset(str(host) for host, count in (data.get(key) or {}).items() if count)

    return Recap(
        hosts=hosts("processed"),
        changed=hosts("changed"),
        failed=hosts("failures"),
        unreachable=hosts("dark"),
    )
