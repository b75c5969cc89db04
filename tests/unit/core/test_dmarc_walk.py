"""Receivers find a domain's DMARC record by RFC 7489 or by RFC 9989: where these disagree it is told."""

from __future__ import annotations

import asyncio

import pytest

from provisioner.core.answers import Outcome
from provisioner.core.checks import check_dmarc
from provisioner.core.findings import Finding, Status
from provisioner.core.records import Record, Zone
from tests.fakes import FakeResolver

DOMAIN = "mail.shop.acme.example"
WANTED = Record(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=none", Zone.CUSTOMER, "dmarc")
R = "v=DMARC1; p=reject; rua=mailto:a@acme.example"


def look(records: dict[str, str], dns: FakeResolver | None = None) -> tuple[Finding, ...]:
    dns = dns or FakeResolver()
    for name, record in records.items():
        dns.set(f"_dmarc.{name}", "TXT", record)
    return asyncio.run(check_dmarc(WANTED, DOMAIN, dns)).findings


def disagreement(records: dict[str, str]) -> str:
    found = [each for each in look(records) if "disagree" in each.seen]
    assert {each.status for each in found} <= {Status.WARN}
    assert all(each.fix for each in found)
    return found[0].seen.partition(": ")[2] if found else ""


@pytest.mark.parametrize(
    "records",
    [
        {},
        {DOMAIN: R},
        {DOMAIN: f"{R}; psd=n", "acme.example": R},
        {"acme.example": R},
        {"acme.example": f"{R}; psd=n", "example": R},
        {"shop.acme.example": R, "acme.example": R},
        {"acme.example": R, "example": f"{R}; psd=y"},
    ],
)
def test_mostly_they_agree(records: dict[str, str]) -> None:
    assert not disagreement(records)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            {"shop.acme.example": R},
            f"by RFC 9989 {R} (from _dmarc.shop.acme.example); by RFC 7489 none",
        ),
        (
            {"shop.acme.example": f"{R}; psd=n", "acme.example": R},
            f"by RFC 9989 {R}; psd=n (from _dmarc.shop.acme.example); "
            f"by RFC 7489 {R} (from _dmarc.acme.example)",
        ),
        ({"example": f"{R}; psd=y"}, f"by RFC 9989 {R}; psd=y (from _dmarc.example); by RFC 7489 none"),
        (
            {"acme.example": R, "example": R},
            f"by RFC 9989 {R} (from _dmarc.example); by RFC 7489 {R} (from _dmarc.acme.example)",
        ),
    ],
)
def test_where_they_disagree_both_are_told(records: dict[str, str], said: str) -> None:
    assert disagreement(records) == said


def test_the_first_look_stands_as_it_was() -> None:
    assert [each.status for each in look({"shop.acme.example": R})] == [Status.FAIL, Status.WARN]
    assert [each.status for each in look({"acme.example": R})] == [Status.PASS]


def test_a_record_of_its_own_costs_no_question_more() -> None:
    dns = FakeResolver()
    look({DOMAIN: R}, dns)
    assert dns.asked == [(f"_dmarc.{DOMAIN}", "TXT")]


def test_a_domain_that_was_registered_costs_no_question_more() -> None:
    dns = FakeResolver()
    wanted = Record("_dmarc.acme.example", "TXT", "v=DMARC1; p=none", Zone.CUSTOMER, "dmarc")
    asyncio.run(check_dmarc(wanted, "acme.example", dns))
    assert dns.asked == [("_dmarc.acme.example", "TXT")]


def test_silence_on_the_way_up_is_no_disagreement() -> None:
    dns = FakeResolver()
    dns.fail("_dmarc.example", "TXT", Outcome.TIMEOUT)
    assert [each.status for each in look({"acme.example": R}, dns)] == [Status.PASS]


def test_several_records_on_the_way_count_as_none() -> None:
    dns = FakeResolver()
    dns.set("_dmarc.shop.acme.example", "TXT", R, f"{R}; psd=n")
    assert [each.status for each in look({"acme.example": R}, dns)] == [Status.PASS]


def test_who_is_no_public_suffix_does_not_say_so() -> None:
    (found,) = look({DOMAIN: f"{R}; psd=y"})
    assert (found.status, "psd=y" in found.seen.partition(": ")[2]) == (Status.WARN, True)
    dns = FakeResolver()
    dns.set("_dmarc.co.uk", "TXT", "v=DMARC1; p=reject; psd=y; rua=mailto:a@co.uk")
    wanted = Record("_dmarc.co.uk", "TXT", "v=DMARC1; p=none", Zone.CUSTOMER, "dmarc")
    assert [each.status for each in asyncio.run(check_dmarc(wanted, "co.uk", dns)).findings] == [Status.PASS]
