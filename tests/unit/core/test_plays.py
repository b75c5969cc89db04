"""From ansible-runner's events to records, and what to do about a failure."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.core.advice import advise
from provisioner.core.plays import (
    HostDone,
    HostStarted,
    Outcome,
    PlayStarted,
    Recap,
    TaskStarted,
    failure_message,
    read_event,
)


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": data}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (event("playbook_on_play_start", name="Backends"), PlayStarted("Backends")),
        (event("playbook_on_task_start", task="Install", role="common"), TaskStarted("common: Install")),
        (
            event("playbook_on_task_start", task="common : Reload", role="common"),
            TaskStarted("common: Reload"),
        ),
        (event("runner_on_start", host="be1", task="Install"), HostStarted("be1")),
        (
            event("runner_on_ok", host="be1", task="T", res={"changed": True}),
            HostDone("be1", "T", Outcome.CHANGED),
        ),
        (
            event("runner_on_ok", host="be1", task="T", res={"changed": False}),
            HostDone("be1", "T", Outcome.OK),
        ),
        (event("runner_on_skipped", host="be1", task="T"), HostDone("be1", "T", Outcome.SKIPPED)),
        (
            event("runner_on_failed", host="be1", task="T", res={"msg": "no"}, ignore_errors=True),
            HostDone("be1", "T", Outcome.IGNORED, "no"),
        ),
        (
            event("runner_on_failed", host="be1", task="T", res={"msg": "Task failed: Module failed: no"}),
            HostDone("be1", "T", Outcome.FAILED, "no"),
        ),
        (
            event("runner_on_unreachable", host="be1", task="T", res={"msg": "gone", "unreachable": True}),
            HostDone("be1", "T", Outcome.UNREACHABLE, "gone"),
        ),
        (
            event(
                "playbook_on_stats",
                processed={"a": 1, "b": 1, "c": 1},
                changed={"a": 2},
                failures={"b": 1},
                dark={"c": 1},
            ),
            Recap(frozenset("abc"), frozenset("a"), frozenset("b"), frozenset("c")),
        ),
        (event("playbook_on_notify", host="be1"), None),
        ({"event": "verbose"}, None),
        ({}, None),
    ],
)
def test_an_event_becomes_a_record(raw: dict[str, Any], expected: object) -> None:
    assert read_event(raw) == expected


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            {"msg": "non-zero return code", "stderr": "one\ntwo", "stdout": "out"},
            "non-zero return code\none\ntwo",
        ),
        ({"msg": "failed", "stdout": "said"}, "failed\nsaid"),
        ({"msg": "", "module_stderr": "Traceback"}, "Traceback"),
        ({"msg": "says: why", "stderr": "why"}, "says: why"),
        ({"msg": "\n".join("abc"), "stderr": "\n".join("12345678")}, "a\nb\nc\n4\n5\n6\n7\n8"),
        ({"results": [{"item": "a"}, {"item": "b", "failed": True, "msg": "no"}], "msg": "some"}, "b: no"),
        ({"censored": "hidden", "msg": "password"}, "its words are hidden, because the task handles secrets"),
        ({}, "it does not say why"),
    ],
)
def test_why_a_task_failed(result: dict[str, Any], message: str) -> None:
    assert failure_message(result) == message


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("ssh: connect to host 192.0.2.1 port 22: No route to host", "switched on"),
        ("Host key verification failed.", "host key"),
        ("deploy@192.0.2.1: Permission denied (publickey).", "our key"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend", "Another package manager"),
        ("write: No space left on device", "disk is full"),
        ("Failed to update apt cache: unknown reason", "package mirror"),
        ("No package matching 'valkey' is available", "Debian 13"),
        ("Missing sudo password", "sudo"),
        ("/etc/haproxy/haproxy.cfg would be invalid: unknown keyword", "No file was replaced"),
        ("Unable to restart service postfix: Job for postfix.service failed", "journalctl"),
        ("mkdir: Permission denied", "root's work"),
        (failure_message({"censored": "x"}), "stay hidden"),
        ("something new", ""),
    ],
)
def test_what_to_do_about_it(message: str, part: str) -> None:
    advice = advise(message)
    assert part in advice
    assert bool(advice) == bool(part)
