from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provisioner.core.answers import Answer, Outcome
from provisioner.core.checks import check_dkim, check_dmarc, check_records, check_spf
from provisioner.core.checks.dkim import publish_fix
from provisioner.core.dkim import DkimKey
from provisioner.core.findings import Finding, Status, all_good, worst
from provisioner.core.records import Record, Zone
from tests.fakes import FakeResolver

OWNER, TARGET = "e1._domainkey.acme.example", "e1.acme.example.dkim.operator.example"
CNAME = Record(OWNER, "CNAME", TARGET, Zone.CUSTOMER, "dkim-cname")
SPF = Record(
    "acme.example", "TXT", "v=spf1 include:_spf.op.example ~all", Zone.CUSTOMER, "spf", "Add include:x"
)
DMARC = Record("_dmarc.shop.acme.example", "TXT", "v=DMARC1; p=none", Zone.CUSTOMER, "dmarc")
EGRESS = (ip_address("192.0.2.31"), ip_address("192.0.2.32"))
DOUBTS = [Outcome.SERVER_FAILED, Outcome.REFUSED, Outcome.TIMEOUT, Outcome.MALFORMED]


def key(algorithm: str = "ed25519", public: str = "") -> DkimKey:
    return DkimKey.model_validate(
        {
            "domain": "acme.example",
            "selector": "e1",
            "algorithm": algorithm,
            "slot": 1,
            "state": "generated",
            "created": datetime(2025, 1, 1, tzinfo=UTC),
            "public": public or base64.b64encode(bytes(range(32))).decode(),
        }
    )


HELD = key()


def dkim(*values: str, chain: Sequence[str] = (TARGET,), outcome: Outcome = Outcome.FOUND) -> Finding:
    answer = Answer(OWNER, "TXT", outcome, values, tuple(chain), "ns1")
    return check_dkim(HELD, CNAME, [answer])[0]


def test_the_key_held_passes() -> None:
    assert dkim(HELD.record.render()).status is Status.PASS
    assert dkim(f"k=ed25519;p={HELD.public[:10]} {HELD.public[10:]};").status is Status.PASS


def test_a_key_record_kept_by_hand_passes() -> None:
    assert dkim(HELD.record.render(), chain=()).status is Status.PASS


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(32)).decode(), "another key"),
        ("v=DKIM1; k=rsa; p=" + HELD.public, "another key"),
        ("v=DKIM1; k=ed25519; p=", "revoked"),
        ("v=DKIM1; k=ed25519; t=y; p=" + HELD.public, "t=y"),
        ("v=DKIM1; k=ed25519; h=sha1; p=" + HELD.public, "sha256"),
        ("v=DKIM1; k=ed25519; s=tlsrpt; p=" + HELD.public, "e-mail"),
        ("v=DKIM1; k=ed25519", "no p="),
        ("hello", "not a tag"),
    ],
)
def test_a_record_that_is_not_that_of_the_key_held(text: str, seen: str) -> None:
    found = dkim(text)
    assert found.status is Status.FAIL
    assert seen in found.seen
    assert found.fix == publish_fix("acme.example")
    assert found.expected == HELD.record.render()


def test_two_key_records_fail() -> None:
    assert dkim(HELD.record.render(), "v=DKIM1; p=").status is Status.FAIL


def test_a_cname_that_is_missing_or_leads_elsewhere() -> None:
    missing = dkim(chain=(), outcome=Outcome.NO_SUCH_NAME)
    assert (missing.status, missing.fix) == (Status.FAIL, f"Publish: {OWNER} CNAME {TARGET}")
    elsewhere = dkim(HELD.record.render(), chain=("e1.other.example",))
    assert (elsewhere.status, elsewhere.fix) == (Status.FAIL, f"Change it: {OWNER} CNAME {TARGET}")
    behind = dkim(outcome=Outcome.NO_SUCH_NAME)
    assert (behind.status, behind.fix) == (Status.FAIL, publish_fix("acme.example"))
    assert behind.expected == f"{TARGET} → {HELD.record.render()}"


@pytest.mark.parametrize("outcome", DOUBTS)
def test_doubt_is_neither_right_nor_missing(outcome: Outcome) -> None:
    assert dkim(outcome=outcome).status is Status.UNKNOWN
    answer = Answer("x", "TXT", outcome, server="ns1")
    dns = FakeResolver()
    dns.fail("acme.example", "TXT", outcome)
    dns.fail(DMARC.name, "TXT", outcome)
    assert [finding.status for finding in spf(dns)] == [Status.UNKNOWN]
    assert dmarc(dns).status is Status.UNKNOWN
    assert [f.status for f in check_records([CNAME], [answer])] == [Status.UNKNOWN]


@pytest.mark.parametrize(
    ("bits", "status"),
    [
        (512, Status.FAIL),
        (1023, Status.FAIL),
        (1024, Status.WARN),
        (2047, Status.WARN),
        (2048, Status.PASS),
        (4096, Status.PASS),
    ],
)
def test_the_length_of_rsa_keys(bits: int, status: Status) -> None:
    # No number of two primes, which nobody looks at: libraries make no keys that short any more.
    public = rsa.RSAPublicNumbers(65537, 2 ** (bits - 1) + 1).public_key()
    data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    held = key("rsa", base64.b64encode(data).decode())
    answer = Answer(OWNER, "TXT", Outcome.FOUND, (held.record.render(),), (TARGET,), "ns1")
    assert check_dkim(held, CNAME, [answer])[0].status is status


def spf(dns: FakeResolver) -> list[Finding]:
    return asyncio.run(check_spf(SPF, EGRESS, dns))


def world(record: str) -> FakeResolver:
    dns = FakeResolver()
    dns.set("acme.example", "TXT", "x", record)
    dns.set("_spf.op.example", "TXT", "v=spf1 ip4:192.0.2.31 ip4:192.0.2.32 -all")
    return dns


@pytest.mark.parametrize("record", ["v=spf1 include:_spf.op.example -all", "v=spf1 ip4:192.0.2.0/24 ~all"])
def test_spf_that_covers_every_address(record: str) -> None:
    found = spf(world(record))
    assert [finding.status for finding in found] == [Status.PASS]
    assert found[0].seen.startswith("pass for 192.0.2.31, 192.0.2.32")


def test_spf_that_forgets_an_address() -> None:
    found = spf(world("v=spf1 ip4:192.0.2.31 -all"))
    assert [finding.status for finding in found] == [Status.FAIL, Status.PASS]
    assert "192.0.2.32" in found[0].seen
    assert found[0].fix.startswith("Add include:x")


@pytest.mark.parametrize(
    "record", ["v=spf1 +all", "v=spf1 include:_spf.op.example all", "v=spf1 ip4:0.0.0.0/0 -all"]
)
def test_spf_that_lets_anyone_send(record: str) -> None:
    found = spf(world(record))
    assert [finding.status for finding in found] == [Status.FAIL]
    assert "anyone" in found[0].seen


def test_spf_of_a_server_that_is_stale_is_judged_too() -> None:
    dns = world("v=spf1 include:_spf.op.example -all")
    dns.second["acme.example", "TXT"] = ("v=spf1 -all",)
    good, bad = spf(dns)
    assert (good.status, good.server) == (Status.PASS, "ns1.test")
    assert (bad.status, bad.server) == (Status.FAIL, "ns2.test")
    assert bad.seen == "fail for 192.0.2.31, 192.0.2.32: -all in the record of acme.example"
    dns.second["acme.example", "TXT"] = ("v=spf1 include:_spf.op.example -all",)
    assert [(each.status, each.server) for each in spf(dns)] == [(Status.PASS, "ns1.test; ns2.test")]


@pytest.mark.parametrize(
    "record", ["v=spf1 ip4:192.0.2.0/24 ip6:::/0 -all", "v=spf1 ip4:192.0.2.0/24 ip6:2000::/3 ~all"]
)
def test_spf_that_lets_anyone_send_over_ipv6(record: str) -> None:
    assert [(each.status, each.seen) for each in spf(world(record))] == [
        (Status.FAIL, "it lets anyone send over IPv6")
    ]


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("v=spf1 ip4:192.0.2.0/24 ptr -all", "v=spf1 -all"),
        ("v=spf1 ip4:192.0.2.0/24 include:old.example -all", "v=spf1 ?ptr:old.example -all"),
        ("v=spf1 ip4:192.0.2.0/24 redirect=old.example", "v=spf1 ptr ~all"),
    ],
)
def test_ptr_is_found_in_whatever_record(own: str, other: str) -> None:
    dns = world(own)
    dns.set("old.example", "TXT", other)
    (found,) = spf(dns)
    assert (found.status, "ptr is slow" in found.seen) == (Status.WARN, True)


def test_what_spf_costs_over_ipv6_counts_where_the_fleet_has_it() -> None:
    record = "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a:a.example a:b.example a:c.example -all"
    dns = world(record)
    for name in ("a.example", "b.example", "c.example"):
        dns.set(name, "A", "192.0.2.99")
    assert [each.status for each in spf(dns)] == [Status.PASS]
    both = asyncio.run(check_spf(SPF, (*EGRESS, ip_address("2001:db8::31")), dns))
    assert [each.status for each in both] == [Status.FAIL]
    assert "found nothing" in both[0].seen


def test_spf_missing_double_or_in_doubt() -> None:
    dns = FakeResolver()
    assert spf(dns)[0].fix == 'Publish: acme.example TXT "v=spf1 include:_spf.op.example ~all"'
    dns.set("acme.example", "TXT", "v=spf1 -all", "v=spf1 mx -all")
    assert [finding.status for finding in spf(dns)] == [Status.FAIL]
    dns = world("v=spf1 include:_spf.op.example -all")
    dns.fail("_spf.op.example", "TXT")
    assert {finding.status for finding in spf(dns)} == {Status.UNKNOWN}


def dmarc(dns: FakeResolver) -> Finding:
    return asyncio.run(check_dmarc(DMARC, "shop.acme.example", dns)).findings[0]


@pytest.mark.parametrize(
    ("records", "status"),
    [
        (("v=DMARC1; p=none; rua=mailto:a@acme.example",), Status.PASS),
        (("v=DMARC1;p=reject",), Status.WARN),
        (("v=DMARC1; p=maybe",), Status.FAIL),
        (("v=DMARC1",), Status.FAIL),
        (("v=DMARC1; p=none; p=none",), Status.FAIL),
        (("v=DMARC1; p=none", "v=DMARC1; p=reject"), Status.FAIL),
        (("x",), Status.FAIL),
    ],
)
def test_dmarc(records: tuple[str, ...], status: Status) -> None:
    dns = FakeResolver()
    dns.set(DMARC.name, "TXT", *records)
    assert dmarc(dns).status is status


def test_dmarc_of_a_parent_counts_and_doubt_about_it_too() -> None:
    dns = FakeResolver()
    dns.set("_dmarc.acme.example", "TXT", "v=DMARC1; p=reject; rua=mailto:a@acme.example")
    assert dmarc(dns).status is Status.PASS
    assert dmarc(dns).seen.endswith("(from _dmarc.acme.example)")
    dns.fail("_dmarc.acme.example", "TXT")
    assert dmarc(dns).status is Status.UNKNOWN


@pytest.mark.parametrize("tag", ["rua", "ruf"])
def test_reports_of_an_inherited_policy_are_consented_to_for_who_has_it(tag: str) -> None:
    dns = FakeResolver()
    dns.set("_dmarc.acme.example", "TXT", f"v=DMARC1; p=reject; {tag}=mailto:a@watch.test")

    def reports() -> list[Finding]:
        found = asyncio.run(check_dmarc(DMARC, "shop.acme.example", dns)).findings
        return [each for each in found if each.id == "dmarc-reports"]

    (refused,) = reports()
    assert (refused.status, refused.subject) == (Status.FAIL, "acme.example")
    assert 'acme.example._report._dmarc.watch.test TXT "v=DMARC1"' in refused.fix
    dns.set("acme.example._report._dmarc.watch.test", "TXT", "v=DMARC1")
    assert [each.status for each in reports()] == [Status.PASS]


def test_record_sets_are_compared_whole() -> None:
    one = Record("be1.op.example", "A", "192.0.2.31", Zone.OPERATOR, "address")
    two = replace(one, value="192.0.2.32")
    answer = Answer("be1.op.example", "A", Outcome.FOUND, ("192.0.2.32", "192.0.2.31"), server="ns1")
    assert check_records([one, two], [answer])[0].status is Status.PASS
    assert check_records([one], [answer])[0].status is Status.FAIL
    assert "dns publish --fleet" in check_records([one], [answer])[0].fix


def test_text_beside_an_spf_record_does_no_harm() -> None:
    answer = Answer("acme.example", "TXT", Outcome.FOUND, ("x", SPF.value), server="ns1")
    assert check_records([SPF], [answer])[0].status is Status.PASS


def test_the_worst_decides() -> None:
    def findings(*statuses: Status) -> list[Finding]:
        return [Finding("x", "y", status, "") for status in statuses]

    assert worst([]) is Status.PASS
    assert worst(findings(Status.PASS, Status.UNKNOWN, Status.WARN)) is Status.UNKNOWN
    assert worst(findings(Status.UNKNOWN, Status.FAIL)) is Status.FAIL
    assert all_good(findings(Status.PASS, Status.WARN))
    assert not all_good(findings(Status.PASS, Status.UNKNOWN))
