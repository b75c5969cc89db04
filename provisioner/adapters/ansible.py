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
from provisioner.adapters import ssh_sockets, vault
from provisioner.adapters.yaml_files import parse
from provisioner.core.plays import (
    Event,
    HostDone,
    Listener,
    Outcome,
    PlayReport,
    PlayStarted,
    Recap,
    Said,
    read_event,
)

PROJECT = Path(provisioner.__file__).parent.parent
"""Where playbooks, roles and ansible.cfg are."""

_IMPORTS = ("ansible.builtin.import_playbook", "import_playbook")
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
        file = PROJECT / "playbooks" / f"{playbook}.yml"
        record = _Record(listener, _plays(file))
        with _private_folder() as folder, _interrupts() as stopped:
            run = ansible_runner.run(
                private_data_dir=folder,
                project_dir=str(PROJECT),
                playbook=str(file),
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
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(ssh_sockets.folder(self._inventory)),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(vault.password_file(self._inventory).absolute()),
            "PATH": os.pathsep.join([str(tools), os.environ.get("PATH", os.defpath)]),
        }


@dataclass
class _Record:
    """Passes events on and keeps what the report needs. plays: how many have not begun."""

    listener: Listener
    plays: int
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
        elif isinstance(event, PlayStarted):
            self.plays -= 1
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
        return PlayReport(recap, failures, complaint, broken_off=not complaint and self.plays > 0)


def _plays(file: Path) -> int:
    """How many plays a playbook has, with those of the playbooks that it imports."""
    entries = parse(file.read_text(encoding="utf-8"))
    imports = [
        next((entry[name] for name in _IMPORTS if name in entry), None)
        for entry in (entries if isinstance(entries, list) else ())
    ]
    return sum(1 if each is None else _plays(file.parent / each) for each in imports)


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
