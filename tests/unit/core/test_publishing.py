from __future__ import annotations

import pytest

from provisioner.core.publishing import Change, PublishResult, PublishStatus, plan_change
from provisioner.core.records import Record, Zone

SPF = Record(
    "acme.example", "TXT", "v=spf1 include:_spf.operator.example ~all", Zone.CUSTOMER, "spf", "Add it"
)
DMARC = Record("_dmarc.acme.example", "TXT", "v=DMARC1; p=none", Zone.CUSTOMER, "dmarc")
CNAME = Record("s1._domainkey.acme.example", "CNAME", "s1.dkim.example", Zone.CUSTOMER, "dkim-cname")


def test_a_record_that_is_there_stays() -> None:
    assert plan_change([CNAME], ["s1.dkim.example"]) == Change(None)
    assert plan_change([SPF], [SPF.value, "site-verification=1"]) == Change(None)


def test_a_record_that_is_missing_or_wrong_is_set() -> None:
    assert plan_change([CNAME], []).values == ("s1.dkim.example",)
    assert plan_change([CNAME], ["other.example"]).values == ("s1.dkim.example",)


def test_other_text_records_beside_spf_stay() -> None:
    assert plan_change([SPF], ["site-verification=1"]).values == ("site-verification=1", SPF.value)


def test_a_customers_own_spf_record_is_not_overwritten() -> None:
    assert plan_change([SPF], ["v=spf1 include:_spf.operator.example mx -all"]) == Change(None)
    change = plan_change([SPF], ["v=spf1 mx -all"])
    assert change.values is None
    assert change.conflict == "there is an SPF record already: v=spf1 mx -all. Add it"


def test_the_operators_own_spf_record_is_replaced() -> None:
    own = Record("_spf.operator.example", "TXT", "v=spf1 ip4:192.0.2.1 -all", Zone.OPERATOR, "spf")
    assert plan_change([own], ["v=spf1 -all", "x"]).values == ("x", own.value)


def test_a_stricter_dmarc_policy_stays() -> None:
    assert plan_change([DMARC], ["v=DMARC1; p=reject"]) == Change(None)
    assert plan_change([DMARC], ["x"]).values == ("x", DMARC.value)


@pytest.mark.parametrize(
    ("zone", "kind", "status", "ok"),
    [
        (Zone.CUSTOMER, "TXT", PublishStatus.NOT_OURS, True),
        (Zone.OPERATOR, "PTR", PublishStatus.NOT_OURS, True),
        (Zone.OPERATOR, "A", PublishStatus.NOT_OURS, False),
        (Zone.OPERATOR, "A", PublishStatus.UNCHANGED, True),
        (Zone.CUSTOMER, "TXT", PublishStatus.CONFLICT, False),
        (Zone.CUSTOMER, "TXT", PublishStatus.FAILED, False),
    ],
)
def test_what_counts_as_done(zone: Zone, kind: str, status: PublishStatus, ok: bool) -> None:
    assert PublishResult("x.example", kind, zone, status).ok is ok


def test_a_domains_mail_is_not_taken_away_from_others() -> None:
    mx = Record("lists.acme.example", "MX", "10 smtp.operator.example", Zone.CUSTOMER, "dem-mx")
    assert plan_change([mx], []).values == (mx.value,)
    assert plan_change([mx], [mx.value]) == Change(None)
    change = plan_change([mx], ["10 mx.elsewhere.example"])
    assert change.values is None
    assert change.conflict.startswith("mail comes elsewhere: 10 mx.elsewhere.example")
