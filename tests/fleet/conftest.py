"""One lab for all fleet tests: the one that runs, brought up to date; else their own, gone at the end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.fleet import store
from tests.fleet.fleet import LAB, Account, Fleet

PLANS = """
exact: {recipients_per_day: 1000}
narrow: {recipients_per_day: 5, recipients_per_message: 4}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/fleet/" in str(item.path):
            item.add_marker("fleet")


def _wanted(items: list[pytest.Item]) -> list[tuple[str, str]]:
    """Which customers (plan, domain) the tests of this run ask for."""
    parameters = [item.callspec.params for item in items if hasattr(item, "callspec")]
    return sorted({each["customer"] for each in parameters if "customer" in each})


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    ours = all(found.state != "running" for found in fleet.machines.states())
    try:
        fleet.done("lab", "up", timeout=1200)
        fleet.done("dns", "publish", "--fleet")
        yield fleet
    finally:
        if ours:  # also when it did not come up: what came of it would be in the way
            fleet.done("lab", "down")


@pytest.fixture(scope="session")
def sender(fleet: Fleet) -> Iterator[Account]:
    """A customer whose mail is signed."""
    account = fleet.add_customer("tester", "initech.example", sends=True)
    yield account
    fleet.done("customer", "remove", account.customer, "--yes")


@pytest.fixture(scope="session")
def unsigned(fleet: Fleet) -> Iterator[Account]:
    """A customer whose domain has no active key yet."""
    account = fleet.add_customer("unsigned", "umbrella.example", sends=False)
    yield account
    fleet.done("customer", "remove", account.customer, "--yes")


@pytest.fixture
def since() -> float:
    """The moment at which a test began."""
    return time.time() - 1


@pytest.fixture(scope="session")
def plans(fleet: Fleet) -> Iterator[None]:
    """Two plans more than are shipped."""
    file = LAB / "plans.yml"
    shipped = (LAB.parent / "example/plans.yml").read_text()
    file.write_text(shipped + PLANS)
    yield
    file.unlink()


@pytest.fixture(scope="session")
def customers(
    fleet: Fleet, plans: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Account]]:
    """Those of all tests that want one for themselves, made at once: half a minute, not one for each four."""
    wanted = _wanted(request.session.items)
    # Counts outlive a customer: one of the same name would have today's.
    rows = [(f"{plan}-{uuid4().hex[:8]}", domain, plan) for plan, domain in wanted]
    table = tmp_path_factory.mktemp("customers") / "customers.csv"
    try:
        yield dict(zip(wanted, fleet.import_customers(table, rows), strict=True))
    finally:
        for name, _, _ in rows[1:]:
            fleet.done("customer", "remove", name, "--yes", "--no-push")
        fleet.done("customer", "remove", rows[0][0], "--yes")


@pytest.fixture
def customer(customers: dict[tuple[str, str], Account], request: pytest.FixtureRequest) -> Account:
    """A customer on one of the two plans, in a domain of its own: indirect parameters (plan, domain)."""
    return customers[request.param]


@pytest.fixture
def copy(fleet: Fleet, tmp_path: Path) -> Path:
    """A copy of the lab's inventory that a test may spoil."""
    target = tmp_path / "inventory"
    shutil.copytree(LAB, target)
    (target / "customers").mkdir(exist_ok=True)  # of a lab that has none yet
    return target


@pytest.fixture(scope="module")
def how_to_connect(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The settings with which the counter store is reached from here, as a frontend reaches it.

    Through one, whose connection ends when other tests burn it.
    """
    with store.connection(fleet, tmp_path_factory.mktemp("store")) as how:
        yield how
