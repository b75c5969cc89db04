"""Playbooks through ansible-runner: events while it runs, a report at the end, nothing left on this machine.

What ansible-runner keeps (arguments, environment, each event's data) goes to a private folder, in memory
where there is some, removed when the run ends. The vault's password is named by its file alone.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import ansible_runner

import provisioner
from provisioner.adapters import vault
from provisioner.core.plays import Event, HostDone, Listener, Outcome, PlayReport, Recap, Said, read_event

PROJECT = Path(provisioner.__file__).parent.parent
"""Where playbooks, roles and ansible.cfg are."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*[mKD]")
_LAST_WORDS = 12
"""Lines of Ansible's own output to keep, for when it ends without having begun."""


class AnsiblePlaybooks:
    """Runs the project's playbooks on one inventory."""

    def __init__(self, inventory: Path) -> None:
        self._inventory = inventory

    def run(
        self, playbook: str, listener: Listener, *, limit: str = "", check: bool = False, diff: bool = False
    ) -> PlayReport:
        """Run `playbooks/<playbook>.yml`; `listener` is told what happens, as it happens.

        Hosts that fail or do not answer are in the report. Raises KeyboardInterrupt when stopped by Ctrl-C;
        Ansible is ended then.
        """
        arguments = [*(["--check"] if check else []), *(["--diff"] if diff else [])]
        arguments += [f"--limit={limit}"] if limit else []
        record = _Record(listener)
        with _private_folder() as folder, _interrupts() as stopped:
            run = ansible_runner.run(
                private_data_dir=folder,
                project_dir=str(PROJECT),
                playbook=str(PROJECT / "playbooks" / f"{playbook}.yml"),
                inventory=str(self._inventory),
                cmdline=shlex.join(arguments) or None,
                envvars=self._environment(),
                settings={"suppress_output_file": True, "pexpect_timeout": 1},
                fact_cache_type="",
                quiet=True,
                event_handler=record.take,
                cancel_callback=stopped.is_set,
            )
            if stopped.is_set():
                raise KeyboardInterrupt
        return record.report(finished=run.rc in (0, 2, 4))

    def _environment(self) -> dict[str, str]:
        tools = Path(sys.executable).parent
        return {
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            # ansible-runner would switch it off.
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_VAULT_PASSWORD_FILE": str(vault.password_file(self._inventory).absolute()),
            "PATH": os.pathsep.join([str(tools), os.environ.get("PATH", os.defpath)]),
        }


@dataclass
class _Record:
    """Passes events on and keeps what the report needs."""

    listener: Listener
    recap: Recap | None = None
    failures: dict[str, HostDone] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def take(self, raw: dict[str, Any]) -> bool:
        """One of ansible-runner's events. False: it need not be written to disk."""
        text = str(raw.get("stdout") or "")
        if text:
            self._tell(Said(text, diff=raw.get("event") == "runner_on_file_diff"))
            self.words = [*self.words, *_COLOURS.sub("", text).splitlines()][-_LAST_WORDS:]
        event = read_event(raw)
        if event is not None:
            self._tell(event)
        return False

    def _tell(self, event: Event) -> None:
        if isinstance(event, HostDone) and event.outcome in (Outcome.FAILED, Outcome.UNREACHABLE):
            self.failures[event.host] = event
        elif isinstance(event, Recap):
            self.recap = event
        self.listener(event)

    def report(self, *, finished: bool) -> PlayReport:
        """The report; `finished` says whether Ansible ended as it does after having run."""
        recap = self.recap or Recap(frozenset())
        ended = recap.failed | recap.unreachable
        # A failure that a block's rescue took care of is none.
        failures = tuple(done for host, done in self.failures.items() if host in ended)
        complaint = (
            "" if self.recap and finished else "\n".join(self.words).strip() or "Ansible ended at once."
        )
        return PlayReport(recap, failures, complaint)


@contextmanager
def _private_folder() -> Iterator[str]:
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it is ours alone (mode 0700)
    parent = str(memory) if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="provisioner-", dir=parent) as folder:
        yield folder


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of ending this process at once."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
