"""A list server of each kind for all tests of it, made by the command line and removed at the end."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provisioner.adapters import archives
from tests.fleet.fleet import LAB, Fleet
from tests.fleet.primary import fill

ARCHIVE, OLDER = "PROVISIONER_PHPLIST_ARCHIVE", "PROVISIONER_PHPLIST_OLDER_ARCHIVE"
"""phpList is not in the tree: these environment variables have the paths of an archive and an older one."""


@dataclass(frozen=True)
class ListServer:
    """What `dem create` told of it: its words for --json."""

    customer: str
    site: str
    domain: str
    told: dict[str, Any]


@contextmanager
def made(fleet: Fleet, customer: str, *wanted: str) -> Iterator[ListServer]:
    """A customer on the plan `base`, whose list server has the plan `dem`."""
    hosts = (LAB / "hosts.yml").read_bytes()
    domain = f"{customer}.hooli.example"
    fleet.add_customer(customer, domain, sends=True, plan="base")
    # The gate wants replies to be possible: who has a list server writes to many.
    mail_host = f"10 {fleet.inventory.settings.submission_name}."
    fill(fleet, {(domain, "MX"): (mail_host,)}, (domain.partition(".")[2],))
    site = f"news.{domain}"
    try:
        begun = time.monotonic()
        told = fleet.done("dem", "create", customer, "--site", site, *wanted, "--no-check", "--json")
        print(f"a list server in {time.monotonic() - begun:.0f} s")
        yield ListServer(customer, site, domain, json.loads(told))
    finally:
        fleet.cli("dem", "remove", customer, "--no-backup", "--yes")
        fleet.done("customer", "remove", customer, "--yes")
    assert (LAB / "hosts.yml").read_bytes() == hosts


@pytest.fixture(scope="package")
def server(fleet: Fleet) -> Iterator[ListServer]:
    """Sympa's, whose domain is for lists alone: members may write to some."""
    wanted = ("--discussions", "--domain", "letters.hooli.example", "--admin", "owner@gmail.test")
    with made(fleet, "letters", *wanted) as server:
        yield server


@pytest.fixture(scope="package")
def phplist(fleet: Fleet) -> Iterator[ListServer]:
    """phpList's; of the older archive where there is one, which `test_archives`, the first here, upgrades."""
    file = archive(OLDER if OLDER in os.environ else ARCHIVE)
    with made(fleet, "papers", "--software", "phplist", *options(file)) as server:
        yield server


def archive(variable: str) -> Path:
    """The archive that an environment variable names; without it the test is skipped."""
    named = os.environ.get(variable)
    if not named:
        pytest.skip(f"{variable} names no archive of phpList")
    return Path(named).absolute()


def options(file: Path, place: str = "") -> tuple[str, ...]:
    """How the command line is told of an archive; place: where it is found, if not by its path."""
    return ("--archive", place or str(file), "--sha256", archives.sha256(file))
