"""Names of addresses that send: which look as providers give them to lines of their customers."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest

from provisioner.core.checks import check_egress
from provisioner.core.findings import Status
from tests.fakes import FakeResolver

ADDRESS = ip_address("198.51.100.32")


def ptr(name: str) -> tuple[Status, str]:
    dns = FakeResolver()
    dns.set(ADDRESS.reverse_pointer, "PTR", name)
    dns.set(name, "A", str(ADDRESS))
    found = asyncio.run(check_egress(ADDRESS, name, dns))
    (about,) = [each for each in found if each.id == "ptr"]
    return about.status, about.seen


@pytest.mark.parametrize(
    "name",
    [
        "mx1.client-services.com",
        "be1.pool.it",
        "mail.cable.co.uk",
        "pool.it",
        "out.customers.example",
        "dynamics.acme.example",
        "be2.operator.example",
    ],
)
def test_who_registered_a_name_may_be_called_anything(name: str) -> None:
    assert ptr(name) == (Status.PASS, f"{name} and back")


@pytest.mark.parametrize(
    "name",
    [
        "host-198-51-100-32.provider.it",
        "c6336420.provider.it",
        "mail.pool.provider.it",
        "a7.dyn.provider.co.uk",
        "dsl-12.client-services.com",
        "clients.pool.it",
        "ec2-198-51-100-32.compute-1.amazonaws.com",
    ],
)
def test_names_of_lines_are_told(name: str) -> None:
    assert ptr(name) == (Status.FAIL, f"{name} looks like one of many")
