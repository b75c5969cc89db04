"""Which machine this is, by what it shows, and how podman is called there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.adapters.lab import commands, substrate
from provisioner.adapters.lab.commands import LabError
from provisioner.adapters.lab.substrate import Substrate

ALL, WITHOUT_RESOURCE = "000001ffffffffff", "000001fffeffffff"


def machine(root: Path, *, unified: bool, bounding: str) -> Path:
    """What a kernel shows of itself: cgroup v2 alone has its controllers at the top (cgroups(7))."""
    group = root / "sys/fs/cgroup" / ("" if unified else "unified")
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("cpu memory pids\n")
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/status").write_text(f"Name:\tpython3\nCapEff:\t{ALL}\nCapBnd:\t{bounding}\n")
    return root


@pytest.mark.parametrize("unified", [True, False])
@pytest.mark.parametrize(("bounding", "limits"), [(ALL, True), (WITHOUT_RESOURCE, False)])
def test_each_kind_of_machine_is_known_by_what_it_shows(
    tmp_path: Path, unified: bool, bounding: str, limits: bool
) -> None:
    found = Substrate.detect(machine(tmp_path, unified=unified, bounding=bounding))
    assert found == Substrate(unified_cgroups=unified, can_raise_limits=limits)
    command = found.argv(["ps"])
    assert (command[0] == "podman") == unified
    assert ("--runtime=runc" in command) == (not limits)
    assert any(option.startswith("--ulimit=nofile=") for option in found.run_options) == (not limits)


@pytest.mark.parametrize(("enabled", "unconfined"), [("Y\n", True), ("N\n", False), (None, False)])
def test_apparmor_keeps_no_machine_from_mounting(
    tmp_path: Path, enabled: str | None, unconfined: bool
) -> None:
    root = machine(tmp_path, unified=True, bounding=ALL)
    if enabled is not None:
        (root / "sys/module/apparmor/parameters").mkdir(parents=True)
        (root / "sys/module/apparmor/parameters/enabled").write_text(enabled)
    found = Substrate.detect(root)
    option = "--security-opt=apparmor=unconfined"
    assert (option in found.machine_options) is unconfined
    assert option not in found.run_options


@pytest.mark.parametrize(("before", "after"), [("128\n", "1024"), ("8192\n", "8192")])
def test_machines_may_watch_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    setting = tmp_path / "max_user_instances"
    setting.write_text(before)
    monkeypatch.setattr(substrate, "WATCHERS", setting)
    Substrate(unified_cgroups=True, can_raise_limits=True).prepare()
    assert setting.read_text().strip() == after


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Somebody who is not root, and finds programs in one folder."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(commands, "as_root", commands.as_root.__wrapped__)
    return tmp_path


def test_who_is_not_root_goes_through_sudo(nobody: Path) -> None:
    sudo = nobody / "sudo"
    sudo.write_text('#!/bin/sh\necho "as root: $*"\n')
    sudo.chmod(0o755)
    assert commands.run(["podman", "ps"]).stdout == b"as root: podman ps\n"


def test_without_root_and_sudo_it_says_what_to_do(nobody: Path) -> None:
    with pytest.raises(LabError, match="needs root or sudo") as raised:
        commands.run(["podman", "ps"])
    assert raised.value.exit_code == 3
