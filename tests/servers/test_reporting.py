"""MTA-STS and TLS-RPT records broken in each plausible way, at a real server; none is told of a sound one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import Authorities
from provisioner.core.checks.reporting import check_reporting
from provisioner.core.findings import Finding, Status
from tests.servers.daemon import HERE
from tests.servers.knot import Knot

STS, REPORTS = "v=STSv1; id=20261127T06", "v=TLSRPTv1; rua=mailto:tls@{D}"


@dataclass(frozen=True)
class Case:
    """A domain's records, which the fleet wants as above, and what is told of each kind."""

    name: str
    sts: tuple[str, ...] = (STS,)
    reports: tuple[str, ...] = (REPORTS,)
    told: tuple[tuple[str, str], ...] = ()

    @property
    def domain(self) -> str:
        return f"{self.name}.example"

    def text(self, record: str) -> str:
        return record.replace("{D}", self.domain)


def sts(name: str, seen: str, *records: str) -> Case:
    return Case(name, sts=records, told=(("mta-sts", seen),))


def reports(name: str, seen: str, *records: str) -> Case:
    return Case(name, reports=records, told=(("tls-rpt", seen),))


CASES = (
    Case("sound"),
    Case("sound-split", sts=('"v=STSv1; " "id=20261127T06"',)),
    Case("sound-beside", sts=("something=else", STS), reports=(REPORTS, "v=spf1 -all")),
    sts("sts-none", "none"),
    sts("sts-two", "several, which count as none", STS, "v=STSv1; id=1"),
    sts("sts-version", "none", "v=STSv2; id=20261127T06"),
    sts("sts-late", "none", "id=20261127T06; v=STSv1"),
    sts("sts-no-id", "no id=", "v=STSv1;"),
    sts("sts-id", "no id= of letters and digits", "v=STSv1; id=2026-11-27"),
    sts("sts-id-long", "at most 32", "v=STSv1; id=" + "a" * 33),
    sts("sts-old", "another one: v=STSv1; id=20250101T00", "v=STSv1; id=20250101T00"),
    reports("rpt-none", "none"),
    reports("rpt-two", "several, which count as none", REPORTS, "v=TLSRPTv1; rua=mailto:b@{D}"),
    reports("rpt-version", "none", "v=TLSRPT; rua=mailto:tls@{D}"),
    reports("rpt-no-rua", "no rua=", "v=TLSRPTv1;"),
    reports("rpt-bare", "neither mailto: nor https:", "v=TLSRPTv1; rua=tls@{D}"),
    reports("rpt-http", "neither mailto: nor https:", "v=TLSRPTv1; rua=http://{D}/tls"),
    reports(
        "rpt-elsewhere",
        "another one: v=TLSRPTv1; rua=mailto:x@gone.example",
        "v=TLSRPTv1; rua=mailto:x@gone.example",
    ),
)


ADVISED = "rpt-none.example"
"""A domain without a record that nobody wanted there."""

Found = dict[str, list[Finding]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    records = [
        (f"{label}.{case.domain}", "TXT", text if text.startswith('"') else f'"{text}"')
        for case in CASES
        for label, given in (("_mta-sts", case.sts), ("_smtp._tls", case.reports))
        for text in map(case.text, given)
    ]
    server = Knot(tmp_path_factory.mktemp("knot"), records)

    async def look() -> Found:
        dns = Authorities(HERE, Wire(port=server.port, timeout=2.0))
        wants = {case.domain: {"mta-sts": STS, "tls-rpt": case.text(REPORTS)} for case in CASES}
        asked = {domain: await check_reporting(domain, wanted, dns) for domain, wanted in wants.items()}
        return asked | {"": await check_reporting(ADVISED, {"mta-sts": STS}, dns)}

    yield asyncio.run(look())
    server.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_domain_is_told_of_as_it_is(found: Found, case: Case) -> None:
    wrong = [each for each in found[case.domain] if each.status is not Status.PASS]
    assert {each.status for each in wrong} <= {Status.FAIL}
    assert [each.id for each in wrong] == [kind for kind, _ in case.told]
    assert all(seen in each.seen for each, (_, seen) in zip(wrong, case.told, strict=True))
    assert all(each.fix for each in wrong)


def test_a_fleet_that_wants_none_is_advised(found: Found) -> None:
    assert [(each.id, each.status) for each in found[""]] == [
        ("mta-sts", Status.PASS),
        ("tls-rpt", Status.WARN),
    ]
    assert "fleet_tls_reports" in found[""][1].fix
