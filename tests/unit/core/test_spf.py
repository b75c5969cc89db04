from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.answers import Outcome
from provisioner.core.fleet import Address
from provisioner.core.spf import SpfResult, SpfVerdict, is_spf
from provisioner.core.spf import evaluate as evaluate_async
from tests.fakes import FakeResolver

FOUR, SIX = ip_address("192.0.2.31"), ip_address("2001:db8::31")


def evaluate(dns: FakeResolver, domain: str, address: Address) -> SpfVerdict:
    return asyncio.run(evaluate_async(dns.ask, domain, address))


def world(**records: str) -> FakeResolver:
    """Domains `<name>.example` with these SPF records, and a host or two."""
    dns = FakeResolver()
    for name, text in records.items():
        dns.set(f"{name}.example", "TXT", "something else", text)
    dns.set("host.example", "A", "192.0.2.31")
    dns.set("host.example", "AAAA", "2001:db8::31")
    dns.set("mail.example", "MX", "10 host.example")
    return dns


@pytest.mark.parametrize(
    ("terms", "four", "six"),
    [
        ("ip4:192.0.2.31 -all", "pass", "fail"),
        ("ip4:192.0.2.0/24 ~all", "pass", "softfail"),
        ("ip6:2001:db8::/32 ?all", "neutral", "pass"),
        ("IP4:192.0.2.31 -ALL", "pass", "fail"),
        ("-ip4:192.0.2.31 +all", "fail", "pass"),
        ("a:host.example -all", "pass", "pass"),
        ("a:host.example/31//127 -all", "pass", "pass"),
        ("mx:mail.example -all", "pass", "pass"),
        ("a -all", "fail", "fail"),
        ("include:good.example -all", "pass", "fail"),
        ("include:closed.example ~all", "softfail", "softfail"),
        ("redirect=good.example", "pass", "fail"),
        ("", "neutral", "neutral"),
        ("exp=why.example unknown=1 all", "pass", "pass"),
        ("include:nothing.example -all", "permerror", "permerror"),
        ("redirect=nothing.example", "permerror", "permerror"),
        ("ip4:not-an-address -all", "permerror", "permerror"),
        ("ip4:2001:db8::1 -all", "permerror", "permerror"),
        ("a:host.example/33 -all", "permerror", "permerror"),
        ("all:x -all", "permerror", "permerror"),
        ("nonsense -all", "permerror", "permerror"),
        ("include:%{d}.example -all", "permerror", "permerror"),
        ("exists:x.example -all", "fail", "fail"),
        ("exists:host.example -all", "pass", "pass"),
        ("ptr -all", "fail", "fail"),
        ("ip4:192.0.2.31 ip6:2001:db8::31 ptr -all", "pass", "pass"),
    ],
)
def test_evaluation(terms: str, four: str, six: str) -> None:
    dns = world(test=f"v=spf1 {terms}", good="v=spf1 ip4:192.0.2.31 -all", closed="v=spf1 -all")
    assert evaluate(dns, "test.example", FOUR).result.value == four
    assert evaluate(dns, "test.example", SIX).result.value == six


def test_no_record_and_two_records() -> None:
    dns = FakeResolver()
    assert evaluate(dns, "test.example", FOUR).result is SpfResult.NONE
    dns.set("test.example", "TXT", "v=spf1 -all", "v=spf1 +all")
    assert evaluate(dns, "test.example", FOUR).result is SpfResult.PERMERROR


def test_a_failing_server_is_a_temporary_error() -> None:
    dns = world(test="v=spf1 include:other.example -all")
    dns.fail("other.example", "TXT", Outcome.TIMEOUT)
    verdict = evaluate(dns, "test.example", FOUR)
    assert verdict.result is SpfResult.TEMPERROR
    assert "other.example" in verdict.reason


def test_at_most_ten_lookups() -> None:
    dns = world(loop="v=spf1 include:loop.example -all")
    verdict = evaluate(dns, "loop.example", FOUR)
    assert verdict.result is SpfResult.PERMERROR
    assert verdict.lookups == 11


def test_at_most_two_void_lookups() -> None:
    dns = world(test="v=spf1 a:x.example a:y.example a:z.example ip4:192.0.2.31 -all")
    assert evaluate(dns, "test.example", FOUR).result is SpfResult.PERMERROR


@given(st.text(max_size=60), st.sampled_from([FOUR, SIX]))
def test_any_record_has_a_result(text: str, address: object) -> None:
    dns = world(test=f"v=spf1 {text}")
    verdict = evaluate(dns, "test.example", FOUR if address is FOUR else SIX)
    assert isinstance(verdict.result, SpfResult)


def test_what_is_an_spf_record() -> None:
    assert is_spf("v=spf1")
    assert is_spf("V=SPF1 -all")
    assert not is_spf("v=spf10 -all")
    assert not is_spf("spf2.0/pra")
