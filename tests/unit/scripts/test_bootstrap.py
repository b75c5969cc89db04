"""What `make lab` and the tests have installed on this machine, and that nothing of it starts by itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
FOR_TESTS = {"bind9", "knot", "unbound", "nginx", "chromium", "restic"}
STAND_INS = """
dpkg() {
  printf '/%s\\n' . usr/bin/some lib/systemd/system/named.service usr/lib/systemd/system/knot.socket \\
    lib/systemd/system/named-resolvconf.service lib/systemd/system/some@.service \\
    usr/lib/systemd/user/own.service lib/systemd/system/named.service.d/more.conf
}
systemctl() {
  if [[ $1 == is-enabled ]]; then
    case $2 in named.service | knot.socket) echo enabled ;; *) echo disabled; return 1 ;; esac
  else
    echo "systemctl $*"
  fi
}
"""


def bash(script: str) -> str:
    """What a script prints that has the functions of bootstrap."""
    done = subprocess.run(
        ["bash", "-c", f"source scripts/bootstrap\n{script}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lab_needs_nothing_that_only_tests_use() -> None:
    lab, tests = set(bash("needed_packages").split()), set(bash("needed_packages test").split())
    assert "podman" in lab
    assert tests - lab == FOR_TESTS


def test_what_was_installed_does_not_start_at_the_next_boot() -> None:
    said = bash(f"{STAND_INS}\ndisable_units bind9 knot").splitlines()
    assert said[-1] == "systemctl disable --quiet named.service knot.socket"


def test_a_machine_without_systemd_has_nothing_to_disable() -> None:
    assert bash(f"{STAND_INS}\ncommand() {{ return 1; }}\ndisable_units bind9") == ""


@pytest.mark.parametrize(
    ("target", "tests"),
    [
        *(("lab", False), ("lint", False)),
        *((target, True) for target in ("unit", "servers", "browser", "fleet", "test")),
    ],
)
def test_make_installs_for_tests_only_what_they_use(target: str, tests: bool) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=PROJECT, capture_output=True, text=True, timeout=30, check=True
    )
    commands = [line.strip() for line in done.stdout.splitlines()]
    assert "scripts/bootstrap" in commands
    assert ("scripts/bootstrap test" in commands) is tests


@pytest.mark.parametrize(
    ("user", "asks", "told"), [(0, True, False), (1000, True, True), (1000, False, False)]
)
def test_who_has_to_give_sudo_a_password_hears_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, asks: bool, told: bool
) -> None:
    for name, body in (("id", f"[ $1 = -u ] && echo {user} || echo somebody"), ("sudo", f"exit {int(asks)}")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    done = subprocess.run(
        ["make", "unattended"], cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False
    )
    assert ("somebody ALL=(ALL) NOPASSWD: ALL" in done.stderr) is told
    assert (done.returncode != 0) is told


@pytest.mark.parametrize("target", ["fleet", "test"])
def test_that_is_asked_before_anything_is_installed(target: str) -> None:
    command = ["make", "--dry-run", target]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.index("sudo -n -k true") < done.stdout.index("scripts/bootstrap")


def test_another_word_is_refused() -> None:
    done = subprocess.run(
        ["scripts/bootstrap", "tests"], cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, "usage" in done.stderr) == (2, True)
