from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from provisioner.adapters import passwords
from provisioner.core.bundle import Bundle, compile_bundle
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host
from provisioner.core.tenants import HostResult
from provisioner.workflows.customer import known
from provisioner.workflows.probe import temporary_login
from provisioner.workflows.push import KeyLoader
from tests.samples import inventory as sample


class Hosts:
    """Remembers each bundle it was given; `works` is whether hosts take one."""

    def __init__(self) -> None:
        self.bundles: list[Bundle] = []
        self.works = True

    def __call__(self, bundle: Bundle, hosts: Sequence[Host], _load: KeyLoader, /) -> list[HostResult]:
        self.bundles.append(bundle)
        return [HostResult(host.name, ok=self.works, version=bundle.version) for host in hosts]


def no_key(_id: str) -> bytes:
    raise AssertionError("no key was asked for")


def test_the_login_is_there_within_and_gone_after(tmp_path: Path) -> None:
    inventory = sample(tmp_path)
    hosts = Hosts()
    with temporary_login(inventory, known(inventory, "acme"), passwords, no_key, hosts) as login:
        assert f"\n{login.name}:{{ARGON2ID}}" in "\n" + hosts.bundles[-1].frontend["passwd"].decode()
        senders = hosts.bundles[-1].frontend["senders"].decode()
        assert f"@globex.example {login.name}" not in senders
        assert login.password not in hosts.bundles[-1].frontend["passwd"].decode()
    assert hosts.bundles[-1] == compile_bundle(inventory)


def test_the_login_goes_also_when_what_it_was_for_fails(tmp_path: Path) -> None:
    inventory = sample(tmp_path)
    hosts = Hosts()
    with (
        pytest.raises(RuntimeError),
        temporary_login(inventory, known(inventory, "acme"), passwords, no_key, hosts),
    ):
        raise RuntimeError
    assert hosts.bundles[-1] == compile_bundle(inventory)


def test_a_host_that_does_not_take_it_is_said(tmp_path: Path) -> None:
    inventory = sample(tmp_path)
    hosts = Hosts()
    hosts.works = False
    with (
        pytest.raises(HostsFailed),
        temporary_login(inventory, known(inventory, "acme"), passwords, no_key, hosts),
    ):
        raise AssertionError("must not get here")
