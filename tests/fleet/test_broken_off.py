"""A deployment that ends in the middle: the same command finishes it, handlers and all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.cli.app import INTERRUPTED
from tests.fleet.fleet import LAB, ROOT, Fleet

HOST = "fe2"
CONFIGURATION = "/etc/postfix/main.cf"
STRAY = "# not what the role says"
PATIENCE = 120.0
HOSTS_FAILED = 3


def _interrupted(command: int) -> None:
    os.kill(command, signal.SIGINT)


def _without_ansible(command: int) -> None:
    """Ansible dies alone: it has a terminal of its own, and so is not of the command's process group."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError:  # it has ended meanwhile
            continue
        if parent == command and any(word.endswith(b"ansible-playbook") for word in words):
            os.kill(int(process.name), signal.SIGKILL)
            return
    raise AssertionError(f"{command} runs no ansible-playbook")


@pytest.mark.parametrize(
    ("end", "code", "says"),
    [
        (_interrupted, INTERRUPTED, "running the same command again completes it"),
        (_without_ansible, HOSTS_FAILED, ""),
    ],
)
def test_the_next_deployment_finishes_it(
    fleet: Fleet, end: Callable[[int], None], code: int, says: str
) -> None:
    def stray() -> bool:
        return fleet.on(HOST, "grep", "-qxF", STRAY, CONFIGURATION).ok

    def reloads() -> int:
        return int(
            fleet.shell(HOST, "grep -c 'refreshing the Postfix mail system' /var/log/mail.log || true")
        )

    fleet.shell(HOST, f"echo '{STRAY}' >> {CONFIGURATION}")
    before = reloads()
    command = [sys.executable, "-m", "provisioner", "-i", str(LAB), "deploy", "--limit", HOST]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as deploy:
        deadline = time.monotonic() + PATIENCE
        while stray() and deploy.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        end(deploy.pid)
        said = deploy.communicate(timeout=PATIENCE)[0]
    assert (deploy.returncode, says in said) == (code, True), said
    assert not stray()
    fleet.done("deploy", "--limit", HOST)
    assert reloads() > before
    assert not re.search(r"changed=[1-9]", fleet.done("deploy", "--limit", HOST, "-v"))
