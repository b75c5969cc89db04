"""Runs scenarios beside the other tests, and beside each other once there is nothing else to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
AT_ONCE = (os.cpu_count() or 1) + 1
"""Scenarios side by side at the end: each keeps a core busy for half of its time."""
FIRST = ("list_server", "dem")
"""Scenarios that go first: one has nearly all machines and would wait until nobody else wants any of them,
one takes twice as long as others; either at the end would leave a core idle."""
TIME_LIMIT = 1500.0
"""Seconds for one scenario; each takes one to five minutes on two cores."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;.*?\x1b\\")


def machines(scenario: str) -> frozenset[str]:
    """The machines of a scenario: no other one may have them meanwhile."""
    text = (PROJECT / f"molecule/{scenario}/molecule.yml").read_text()
    (names,) = re.findall(r"--limit=(\S+)", text)
    return frozenset(names.split(",")) - {"localhost"}


class Crew:
    """Works through scenarios: after FIRST those that share machines with the most others, and so wait.

    prepare: what comes first. There is one worker until more are hired.
    """

    def __init__(self, scenarios: Sequence[str], prepare: Callable[[], None]) -> None:
        self._prepare = prepare
        of = {name: machines(name) for name in scenarios}
        shared = {name: sum(bool(of[name] & each) for each in of.values()) for name in of}
        self._waiting = sorted(of, key=lambda name: (name not in FIRST, -shared[name]))
        self._results: dict[str, Future[str]] = {name: Future() for name in scenarios}
        self._busy: frozenset[str] = frozenset()
        self._changed = threading.Condition()
        self._prepared = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._hire()

    def all_hands(self) -> None:
        """Work on as many scenarios at once as the machine takes."""
        while len(self._threads) < AT_ONCE:
            self._hire()

    def fault(self, scenario: str) -> str:
        """What went wrong with a scenario, once it is through; empty when nothing did."""
        return self._results[scenario].result()

    def finish(self) -> None:
        """Wait until all are through."""
        self.all_hands()
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Begin no other, and wait for those that run."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _hire(self) -> None:
        thread = threading.Thread(target=self._work)
        self._threads.append(thread)
        thread.start()

    def _ready(self) -> None:
        """Raises: what `prepare` raised, to whoever comes."""
        with self._prepared:
            self._prepare()
            self._prepare = _nothing

    def _work(self) -> None:
        while (scenario := self._next()) is not None:
            try:
                self._ready()
                self._results[scenario].set_result(_run(scenario))
            except BaseException as error:
                self._results[scenario].set_exception(error)
            with self._changed:
                self._busy -= machines(scenario)
                self._changed.notify_all()

    def _next(self) -> str | None:
        """The next scenario whose machines are free; None when there is none left."""
        with self._changed:
            while self._waiting:
                for scenario in self._waiting:
                    if not machines(scenario) & self._busy:
                        self._waiting.remove(scenario)
                        self._busy |= machines(scenario)
                        return scenario
                self._changed.wait()
        return None


def _nothing() -> None:
    pass


def _run(scenario: str) -> str:
    tools = Path(sys.executable).parent
    done = subprocess.run(
        [tools / "molecule", "test", "--scenario-name", scenario],
        cwd=PROJECT,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    return (
        ""
        if done.returncode == 0
        else f"exit code {done.returncode}: {_COLOURS.sub('', done.stdout)[-8000:]}"
    )
