"""What a deployment makes of what Ansible reports, and what it does about plays that Ansible leaves out."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.adapters import inventory_files
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.bundle import compile_bundle
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host
from provisioner.core.plays import HostDone, Listener, Outcome, PlayReport, Recap
from provisioner.core.tenants import HostResult
from provisioner.workflows.deploy import DeployOptions, DeployReport, DeployTools, deploy
from provisioner.workflows.push import Compiled, KeyLoader
from tests.fakes import FakePush, FakeSecrets
from tests.samples import inventory as sample

PLAYS: tuple[Sequence[str], ...] = (["dns1"], ["state1"], ["be1", "be2"], ["fe1", "fe2"], ["lb1"])
"""The hosts of each play, in the order of the playbook for the sample inventory."""


@dataclass
class FakePlaybooks:
    """Ansible as it is: a play that loses all its hosts is the last. Knows limits as lists of hosts alone."""

    dead: tuple[str, ...] = ()
    meanwhile: Callable[[], object] = lambda: None
    """What happens while it runs."""

    limits: list[str] = field(default_factory=list)

    def run(
        self, playbook: str, listener: Listener, *, limit: str = "", check: bool = False, diff: bool = False
    ) -> PlayReport:
        self.limits.append(limit)
        self.meanwhile()
        parts = re.split("[,:]", limit or "all")
        everyone = [host for play in PLAYS for host in play]
        named = {part for part in parts if part[0] != "!"}
        meant = [host for host in everyone if named & {host, "all"} and f"!{host}" not in parts]
        if not meant:
            said = "Specified inventory, host pattern and/or --limit leaves us with no\nhosts to target."
            return PlayReport(Recap(frozenset()), complaint=f"[ERROR]: {said}")
        seen: list[str] = []
        for number, play in enumerate(PLAYS):
            batch = [host for host in play if host in meant]
            seen += batch
            if batch and set(batch) <= set(self.dead):
                return self._report(seen, broken_off=number < len(PLAYS) - 1)
        return self._report(seen, broken_off=False)

    def _report(self, seen: list[str], *, broken_off: bool) -> PlayReport:
        lost = frozenset(seen) & frozenset(self.dead)
        recap = Recap(frozenset(seen), changed=frozenset(seen) - lost, unreachable=lost)
        failures = tuple(HostDone(host, "Look", Outcome.UNREACHABLE, "gone") for host in lost)
        return PlayReport(recap, failures, broken_off=broken_off)


def run(root: Path, playbooks: FakePlaybooks, push: FakePush, limit: str = "") -> DeployReport:
    inventory = sample(root)
    tools = DeployTools(FakeSecrets(), playbooks, push, TenantFiles(root))
    return deploy(
        inventory,
        tools,
        DeployOptions(limit=limit),
        listener=lambda _: None,
        say=lambda _: None,
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )


def test_a_check_replaces_no_certificate_and_names_those_that_are_due(tmp_path: Path) -> None:
    inventory, store, said = sample(tmp_path), FakeSecrets(), list[str]()
    tools = DeployTools(store, FakePlaybooks(), FakePush(), TenantFiles(tmp_path))
    for check, now in [(False, datetime(2026, 3, 1, tzinfo=UTC)), (True, datetime(2027, 3, 15, tzinfo=UTC))]:
        options = DeployOptions(check=check)
        deploy(inventory, tools, options, listener=lambda _: None, say=said.append, now=now)
    assert {info.not_after.year for name, info in store.certificates.items() if name != "ca"} == {2027}
    assert said[-1].startswith("Would replace the certificate hosts/lb1 (19 days were left), ")


def test_all_well_is_one_run(tmp_path: Path) -> None:
    playbooks, push = FakePlaybooks(), FakePush()
    assert run(tmp_path, playbooks, push).hosts == 7
    assert playbooks.limits == [""]
    assert push.hosts == ["fe1", "fe2", "be1", "be2"]


def test_a_lost_host_among_others_of_its_group_is_one_run(tmp_path: Path) -> None:
    playbooks, push = FakePlaybooks(dead=("fe1",)), FakePush()
    with pytest.raises(HostsFailed, match="1 of 7 hosts are not done: fe1 did not answer"):
        run(tmp_path, playbooks, push)
    assert playbooks.limits == [""]
    assert push.hosts == ["fe2", "be1", "be2"]


def test_groups_after_one_that_was_lost_whole_have_their_turn(tmp_path: Path) -> None:
    playbooks, push = FakePlaybooks(dead=("dns1", "state1", "be2")), FakePush()
    with pytest.raises(HostsFailed, match="3 of 7 hosts are not done: be2, dns1, state1 did not answer"):
        run(tmp_path, playbooks, push)
    assert playbooks.limits == ["", "all:!dns1", "all:!dns1:!state1"]
    assert push.hosts == ["fe1", "fe2", "be1"]


@pytest.mark.parametrize(
    ("limit", "limits"),
    [
        ("state1,lb1", ["state1,lb1", "state1,lb1,!state1"]),
        ("state1:lb1", ["state1:lb1", "state1:lb1:!state1"]),
    ],
)
def test_a_limit_stays_one(tmp_path: Path, limit: str, limits: list[str]) -> None:
    playbooks = FakePlaybooks(dead=("state1",))
    with pytest.raises(HostsFailed, match="1 of 2 hosts"):
        run(tmp_path, playbooks, FakePush(), limit)
    assert playbooks.limits == limits


def test_a_limit_of_which_nobody_is_left_is_done(tmp_path: Path) -> None:
    playbooks = FakePlaybooks(dead=("state1",))
    with pytest.raises(HostsFailed, match="1 of 1 hosts are not done: state1 did not answer"):
        run(tmp_path, playbooks, FakePush(), "state1")
    assert playbooks.limits == ["state1", "state1:!state1"]


def test_customers_that_changed_while_ansible_ran_are_brought_as_they_are_now(tmp_path: Path) -> None:
    push = FakePush()
    playbooks = FakePlaybooks(meanwhile=(tmp_path / "customers/globex.yml").unlink)
    report = run(tmp_path, playbooks, push)
    assert b"globex" not in push.bundles[-1].frontend["passwd"]
    assert report.bundle == compile_bundle(inventory_files.load(tmp_path)).version


def test_nobody_changes_customers_while_they_are_brought(tmp_path: Path) -> None:
    class Watching(FakePush):
        def __call__(
            self, compiled: Compiled, hosts: Sequence[Host], load_key: KeyLoader, /
        ) -> list[HostResult]:
            handle = os.open(tmp_path, os.O_RDONLY)
            with pytest.raises(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(handle)
            return super().__call__(compiled, hosts, load_key)

    push = Watching()
    run(tmp_path, FakePlaybooks(), push)
    assert push.bundles
