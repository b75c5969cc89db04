"""Shows a running playbook: one live line on a terminal, plain lines in a pipe, failures in full on both."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from provisioner.cli import output
from provisioner.core.advice import advise
from provisioner.core.plays import (
    Event,
    HostDone,
    HostStarted,
    Outcome,
    PlayStarted,
    Recap,
    Said,
    TaskStarted,
)


def clock(seconds: float) -> str:
    """A time span as minutes and seconds: `2:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class PlayProgress:
    """A listener for a playbook's events. A context manager: the live line ends with it.

    verbose: show Ansible's own output and nothing else. Elapsed times count from `started`. stderr: keep
    out of what a program reads.
    """

    def __init__(self, *, verbose: bool = False, started: float | None = None, stderr: bool = False) -> None:
        self._console: Console = output.console(stderr=stderr)
        self._verbose = verbose
        self._started = time.monotonic() if started is None else started
        self._live = Progress(
            SpinnerColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[hosts]}", style="dim"),
            console=self._console,
            transient=True,
            disable=verbose or not self._console.is_terminal,
        )
        self._row = self._live.add_task("Starting", total=None, hosts="")
        self._play = ""
        self._task = ""
        self._tasks = 0
        self._begun = self._done = 0
        self._changed: list[str] = []
        self._failures: dict[tuple[str, str, str], list[str]] = {}
        self._hosts_changed: set[str] = set()

    def __enter__(self) -> Self:
        """Show the live line."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the live line away."""
        self._live.stop()

    def say(self, text: str) -> None:
        """Show a step other than Ansible's, with the time since the start."""
        elapsed = clock(time.monotonic() - self._started)
        self._console.print(f"{elapsed:>6}  {text}", markup=False, soft_wrap=True)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Said):
            self._said(event)
            return
        if self._verbose:
            return
        match event:
            case PlayStarted(name):
                self._end_play()
                self._play = name
            case TaskStarted(name):
                self._end_task()
                self._task, self._tasks = name, self._tasks + 1
            case HostStarted():
                self._begun += 1
            case HostDone():
                self._host_done(event)
            case Recap():
                self._end_play()
                return
        self._show()

    def _said(self, event: Said) -> None:
        if self._verbose or event.diff:
            text = Text.from_ansi(event.text.replace("\r\n", "\n"))
            self._console.print(text if self._console.is_terminal else text.plain, markup=False)

    def _host_done(self, event: HostDone) -> None:
        self._done += 1
        if event.outcome is Outcome.CHANGED:
            self._changed.append(event.host)
            self._hosts_changed.add(event.host)
        elif event.outcome in (Outcome.FAILED, Outcome.UNREACHABLE):
            what = "did not answer" if event.outcome is Outcome.UNREACHABLE else "failed"
            # Hosts often fail alike: said once, with all of them.
            alike = (what, event.task, event.message)
            self._failures.setdefault(alike, []).append(event.host)

    def _end_task(self) -> None:
        for (what, task, message), hosts in self._failures.items():
            title = Text(f"{', '.join(sorted(hosts))} {what}", "bold red").append(f" at {task}", "not bold")
            self._console.print(title, soft_wrap=True)
            for line in message.splitlines():
                self._console.print(f"    {line}", markup=False, soft_wrap=True)
            advice = advise(message)
            if advice:
                self._console.print(f"    → {advice}", markup=False, style="yellow", soft_wrap=True)
        if self._changed and not self._console.is_terminal:
            self.say(f"  {self._task}: changed {', '.join(sorted(self._changed))}")
        self._begun = self._done = 0
        self._changed, self._failures = [], {}

    def _end_play(self) -> None:
        self._end_task()
        if self._play:
            changed = (
                f"changed {', '.join(sorted(self._hosts_changed))}" if self._hosts_changed else "no change"
            )
            self.say(f"{self._play}: {self._tasks} tasks, {changed}")
        self._play, self._task, self._tasks = "", "", 0
        self._hosts_changed = set()

    def _show(self) -> None:
        hosts = f"{self._done}/{self._begun} hosts" if self._begun else ""
        description = f"{self._play} · {self._task}" if self._task else self._play
        self._live.update(self._row, description=description, hosts=hosts)
