from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from provisioner.core.answers import Outcome
from provisioner.core.checks import LinkAnswer, check_policy, check_reporting
from provisioner.core.findings import Finding, Status
from provisioner.core.inbound_tls import (
    TlsRecordError,
    check_reports_record,
    check_sts_record,
    parse_policy,
    policy_text,
    sts_record,
)
from provisioner.core.records import fleet_records
from tests import samples
from tests.fakes import FakeResolver

DOMAIN = "bounce.operator.example"
STS, RPT = f"_mta-sts.{DOMAIN}", f"_smtp._tls.{DOMAIN}"


def look(resolver: FakeResolver, **wanted: str) -> dict[str, Finding]:
    names = {key.replace("_", "-"): value for key, value in wanted.items()}
    return {each.id: each for each in asyncio.run(check_reporting(DOMAIN, names, resolver))}


def test_the_records_are_what_their_checks_take(tmp_path: Path) -> None:
    records = fleet_records(samples.inventory(tmp_path))
    resolver = FakeResolver()
    resolver.publish_all(records)
    found = look(resolver, **{r.purpose: r.value for r in records if r.purpose in {"mta-sts", "tls-rpt"}})
    assert {each.status for each in found.values()} == {Status.PASS}
    assert found["tls-rpt"].seen == "v=TLSRPTv1; rua=mailto:tls-reports@operator.example"


def test_a_policys_id_changes_with_what_it_says() -> None:
    texts = [policy_text(mode, mx) for mode in ("testing", "enforce") for mx in ("a.example", "b.example")]
    assert len({sts_record(text) for text in texts}) == 4


@pytest.mark.parametrize("mode", ["testing", "enforce"])
def test_a_policy_is_read_as_it_was_written(mode: str) -> None:
    policy = parse_policy(policy_text(mode, "smtp.operator.example"))
    assert (policy.mode, policy.mx) == (mode, ("smtp.operator.example",))
    assert policy.max_age >= 86_400


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no version"),
        ("<html>", "no field"),
        ("version: STSv2\nmode: none\nmax_age: 1", "no version"),
        ("version: STSv1\nmode: strict\nmax_age: 1", "strict is none of"),
        ("version: STSv1\nmode: enforce\nmx: a.example", "no max_age"),
        ("version: STSv1\nmode: enforce\nmax_age: 1", "names no mx"),
    ],
)
def test_a_policy_that_senders_do_not_take(text: str, says: str) -> None:
    with pytest.raises(TlsRecordError, match=says):
        parse_policy(text)


@pytest.mark.parametrize("text", ["v=STSv1; id=1;", "v=STSv1;id=20261124T00", "v=STSv1 ; id=a1 ; x=y"])
def test_sound_sts_records(text: str) -> None:
    check_sts_record(text)


@pytest.mark.parametrize("text", ["v=STSv1;", "v=STSv1; id=", "v=STSv1; id=a-b", "v=STSv1; id=" + "1" * 33])
def test_sts_records_that_senders_do_not_take(text: str) -> None:
    with pytest.raises(TlsRecordError, match="id="):
        check_sts_record(text)


@pytest.mark.parametrize(
    "text", ["v=TLSRPTv1;rua=mailto:a@b.example", "v=TLSRPTv1; rua=https://b.example/x,mailto:a@b.example"]
)
def test_sound_report_records(text: str) -> None:
    check_reports_record(text)


@pytest.mark.parametrize("text", ["v=TLSRPTv1;", "v=TLSRPTv1; rua=a@b.example", "v=TLSRPTv1; rua=mailto:b"])
def test_report_records_that_senders_do_not_take(text: str) -> None:
    with pytest.raises(TlsRecordError, match="rua"):
        check_reports_record(text)


def test_what_is_not_there_is_advice_unless_it_is_wanted() -> None:
    found = look(FakeResolver(), mta_sts="v=STSv1; id=1")
    assert found["mta-sts"].status is Status.FAIL
    assert found["tls-rpt"].status is Status.WARN
    assert "fleet_tls_reports" in found["tls-rpt"].fix


def test_broken_ones_are_told() -> None:
    resolver = FakeResolver()
    resolver.set(STS, "TXT", "v=STSv1; id=1", "v=STSv1; id=2")
    resolver.set(RPT, "TXT", "v=TLSRPTv1; rua=postmaster")
    found = look(resolver)
    assert found["mta-sts"].status is found["tls-rpt"].status is Status.FAIL
    assert "several" in found["mta-sts"].seen
    assert "neither mailto:" in found["tls-rpt"].seen


def test_one_of_yesterday_is_not_the_one_wanted() -> None:
    resolver = FakeResolver()
    resolver.set(STS, "TXT", "v=STSv1; id=1")
    assert look(resolver, mta_sts="v=STSv1; id=2")["mta-sts"].status is Status.FAIL


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (LinkAnswer(200, policy_text("enforce", "mx.example")), Status.PASS),
        (LinkAnswer(200, policy_text("enforce", "other.example")), Status.FAIL),
        (LinkAnswer(200, "<html>"), Status.FAIL),
        (LinkAnswer(404), Status.FAIL),
        (LinkAnswer(0, error="certificate has expired"), Status.FAIL),
    ],
)
def test_a_policy_that_is_served(answer: LinkAnswer, status: Status) -> None:
    found = check_policy("mta-sts.a.example", "mx.example", answer)
    assert found.status is status
    assert bool(found.fix) == (status is Status.FAIL)


def test_silence_is_doubt() -> None:
    resolver = FakeResolver(otherwise=Outcome.TIMEOUT)
    assert {each.status for each in look(resolver).values()} == {Status.UNKNOWN}
