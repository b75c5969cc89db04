from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from provisioner.adapters import passwords
from provisioner.adapters.inventory_files import load
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.bundle import Bundle, compile_bundle
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host
from provisioner.core.tenants import HostResult
from provisioner.workflows.probe import Login, temporary_login
from provisioner.workflows.push import Compiled, KeyLoader
from tests.samples import write


class Hosts:
    """Remembers each bundle it was given; `silent` are hosts that take none."""

    def __init__(self) -> None:
        self.bundles: list[Bundle] = []
        self.silent: set[str] = set()

    def __call__(self, compiled: Compiled, hosts: Sequence[Host], _load: KeyLoader, /) -> list[HostResult]:
        bundle = compiled()
        self.bundles.append(bundle)
        return [
            HostResult(host.name, ok=host.name not in self.silent, version=bundle.version, message="no SSH")
            for host in hosts
        ]


def login_of(
    root: Path, hosts: Hosts, tell: Callable[[str], None] = lambda _: None
) -> AbstractContextManager[Login]:
    return temporary_login(TenantFiles(root), "acme", passwords, hosts, tell)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path)


def test_the_login_is_there_within_and_gone_after(root: Path) -> None:
    hosts = Hosts()
    with login_of(root, hosts) as login:
        assert f"\n{login.name}:{{ARGON2ID}}" in "\n" + hosts.bundles[-1].frontend["passwd"].decode()
        senders = hosts.bundles[-1].frontend["senders"].decode()
        assert f"@globex.example {login.name}" not in senders
        assert login.password not in hosts.bundles[-1].frontend["passwd"].decode()
    assert hosts.bundles[-1] == compile_bundle(load(root))


def test_the_login_goes_also_when_what_it_was_for_fails(root: Path) -> None:
    hosts = Hosts()
    with pytest.raises(RuntimeError), login_of(root, hosts):
        raise RuntimeError
    assert hosts.bundles[-1] == compile_bundle(load(root))


def test_who_was_removed_meanwhile_stays_removed(root: Path) -> None:
    hosts = Hosts()
    with login_of(root, hosts):
        (root / "customers/globex.yml").unlink()
    assert b"globex" not in hosts.bundles[-1].frontend["passwd"]


@pytest.mark.parametrize("group", ["frontends", "backends"])
def test_a_group_of_which_nobody_takes_it_is_said(root: Path, group: str) -> None:
    hosts = Hosts()
    hosts.silent = {host.name for host in load(root).group(group)}
    with pytest.raises(HostsFailed, match=f"None of the {group} took .* no SSH"), login_of(root, hosts):
        raise AssertionError("must not get here")


def test_one_frontend_and_one_backend_are_enough(root: Path) -> None:
    hosts, told = Hosts(), list[str]()
    hosts.silent = {"fe2", "be1"}
    with login_of(root, hosts, told.append):
        assert told == ["fe2 takes no part: no SSH", "be1 takes no part: no SSH"]
    assert hosts.bundles[-1] == compile_bundle(load(root))


def test_a_host_that_keeps_the_login_is_said(root: Path) -> None:
    hosts = Hosts()
    with pytest.raises(HostsFailed, match="fe1: no SSH"), login_of(root, hosts):
        hosts.silent = {"fe1"}
