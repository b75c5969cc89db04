"""Customers reach the hosts within moments, and nobody is interrupted by it."""

from __future__ import annotations

import json
import threading
import time

from provisioner.adapters import inventory_files
from provisioner.core.bundle import compile_bundle
from provisioner.core.errors import CheckFailed
from tests.fleet.fleet import LAB, Account, Fleet, eventually


def accepts(fleet: Fleet, frontend: str, login: str, password: str) -> bool:
    """Whether a frontend's Dovecot takes a password, which goes there over standard input."""
    ask = ("sh", "-c", 'read -r secret; exec doveadm auth test "$0" "$secret"', login)
    return fleet.on(frontend, *ask, stdin=f"{password}\n".encode()).ok


def test_a_new_customer_can_log_in_on_both_frontends_and_a_removed_one_can_not(fleet: Fleet) -> None:
    begun = time.monotonic()
    account = fleet.add_customer("newcomer", "hooli.example", sends=False)
    for frontend in ("fe1", "fe2"):
        eventually(lambda name=frontend: accepts(fleet, name, account.login, account.password), "a login", 10)  # type: ignore[misc]
    print(f"customer add until both frontends accept: {time.monotonic() - begun:.2f} s")
    fleet.done("customer", "remove", "newcomer", "--yes")
    for frontend in ("fe1", "fe2"):
        assert not accepts(fleet, frontend, account.login, account.password)


def test_no_connection_is_refused_while_bundles_switch(fleet: Fleet, sender: Account) -> None:
    refused: list[CheckFailed] = []
    sessions = 0
    over = threading.Event()

    def log_in_again_and_again() -> None:
        nonlocal sessions
        while not over.is_set():
            try:
                with fleet.session(sender):
                    sessions += 1
            except CheckFailed as error:
                refused.append(error)

    client = threading.Thread(target=log_in_again_and_again)
    client.start()
    try:
        for _ in range(4):
            fleet.done(
                "customer", "add", "switch", "--domain", "hooli.example", "--contact", "a@hooli.example"
            )
            fleet.done("customer", "remove", "switch", "--yes")
    finally:
        over.set()
        client.join(60)
    assert not refused
    assert sessions > 10


def test_every_host_says_the_inventorys_version(fleet: Fleet) -> None:
    now = inventory_files.load(LAB)
    wanted = compile_bundle(now).version
    versions = {
        host.name: json.loads(fleet.on(host.name, "provisioner-tenants", "status").text)["version"]
        for host in now.tenant_hosts
    }
    assert versions == dict.fromkeys(versions, wanted)
    told = json.loads(fleet.done("status", "--json"))
    assert told["bundle"] == wanted
    assert {host["name"]: host["bundle"] for host in told["hosts"] if host["bundle"]} == versions


def test_a_damaged_bundle_is_refused_and_nothing_changes(fleet: Fleet) -> None:
    before = fleet.on("fe1", "provisioner-tenants", "status").text
    for damaged in (b"", b"not a tar", b"\0" * 10240):
        result = fleet.on("fe1", "provisioner-tenants", "apply", stdin=damaged)
        assert not result.ok
        assert "refused" in result.complaint
    assert fleet.on("fe1", "provisioner-tenants", "status").text == before
