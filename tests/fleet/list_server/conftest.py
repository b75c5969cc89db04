"""One list server for all tests of it, made by the command line and removed at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fleet.fleet import LAB, Fleet
from tests.fleet.primary import fill

CUSTOMER, DOMAIN = "letters", "letters.hooli.example"
SITE = f"news.{DOMAIN}"


@dataclass(frozen=True)
class ListServer:
    """What `dem create` told of it: its words for --json."""

    customer: str
    site: str
    domain: str
    told: dict[str, Any]


@pytest.fixture(scope="package")
def server(fleet: Fleet) -> Iterator[ListServer]:
    """A customer on the plan `base`, whose list server has the plan `dem`."""
    hosts = (LAB / "hosts.yml").read_bytes()
    fleet.add_customer(CUSTOMER, DOMAIN, sends=True, plan="base")
    # The gate wants replies to be possible: who has a list server writes to many.
    mail_host = f"10 {fleet.inventory.settings.submission_name}."
    fill(fleet, {(DOMAIN, "MX"): (mail_host,)}, (DOMAIN.partition(".")[2],))
    try:
        begun = time.monotonic()
        told = fleet.done("dem", "create", CUSTOMER, "--site", SITE, "--no-check", "--json")
        print(f"a list server in {time.monotonic() - begun:.0f} s")
        yield ListServer(CUSTOMER, SITE, DOMAIN, json.loads(told))
    finally:
        fleet.cli("dem", "remove", CUSTOMER, "--no-backup", "--yes")
        fleet.done("customer", "remove", CUSTOMER, "--yes")
    assert (LAB / "hosts.yml").read_bytes() == hosts
