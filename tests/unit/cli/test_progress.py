"""What a person sees of a running playbook in a pipe."""

from __future__ import annotations

import time

import pytest

from provisioner.cli.progress import PlayProgress, clock
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

EVENTS: list[Event] = [
    PlayStarted("Backends"),
    TaskStarted("backend: Install"),
    HostStarted("be1"),
    HostStarted("be2"),
    HostStarted("be3"),
    Said("\x1b[0;33mchanged: [be1]\x1b[0m"),
    HostDone("be1", "backend: Install", Outcome.CHANGED),
    HostDone("be3", "backend: Install", Outcome.FAILED, "No space left on device"),
    HostDone("be2", "backend: Install", Outcome.FAILED, "No space left on device"),
    TaskStarted("backend: Configure"),
    HostDone("be1", "backend: Configure", Outcome.OK),
    Said("+++ after\r\n\x1b[32m+line\x1b[0m", diff=True),
    Recap(frozenset({"be1", "be2", "be3"})),
]


def shown(capsys: pytest.CaptureFixture[str], *, verbose: bool = False) -> list[str]:
    with PlayProgress(verbose=verbose, started=time.monotonic() - 65) as progress:
        for event in EVENTS:
            progress(event)
    return capsys.readouterr().out.splitlines()


def test_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        "be2, be3 failed at backend: Install",
        "    No space left on device",
        "    → Its disk is full: free some space there, then run again.",
        "  1:05    backend: Install: changed be1",
        "+++ after",
        "+line",
        "  1:05  Backends: 2 tasks, changed be1",
    ]


def test_verbose_is_what_ansible_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, verbose=True) == ["changed: [be1]", "+++ after", "+line"]


def test_a_time_span() -> None:
    assert [clock(0), clock(65.9), clock(600)] == ["0:00", "1:05", "10:00"]
