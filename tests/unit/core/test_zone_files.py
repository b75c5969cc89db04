"""What is written down is read back as it was, by dnspython as BIND would, and by octoDNS."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import dns.zone
import pytest
from octodns.provider.yaml import YamlProvider
from octodns.zone import Zone as OctoZone

from provisioner.adapters.dns_messages import presentation
from provisioner.core.records import Record, Zone
from provisioner.core.zone_files import as_csv, bind, octodns

ZONE = "dkim.operator.example"
LONG = f"v=DKIM1; k=rsa; p={'AbC/' * 200}"
RECORDS = [
    *(Record(f"s1.d{n}.example.{ZONE}", "TXT", f"{LONG}{n}", Zone.OPERATOR, "dkim") for n in range(12)),
    Record(f"e1.acme.example.{ZONE}", "TXT", 'v=DKIM1; n=a "quote" and \\; p=', Zone.OPERATOR, "dkim"),
    Record(f"also.{ZONE}", "CNAME", "elsewhere.example", Zone.OPERATOR, "x"),
    *(Record(f"two.{ZONE}", "A", f"192.0.2.{n}", Zone.OPERATOR, "x") for n in (1, 2)),
    Record(f"two.{ZONE}", "MX", "10 mx.elsewhere.example", Zone.OPERATOR, "x"),
]


def test_bind_reads_what_was_meant() -> None:
    text = bind(RECORDS, ZONE, 300) + "@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\n"
    zone = dns.zone.from_text(text, ZONE, relativize=False)
    found = {
        (name.to_text(omit_final_dot=True), presentation(item))
        for name, node in zone.nodes.items()
        for rdataset in node
        for item in rdataset
        if dns.rdatatype.to_text(rdataset.rdtype) in {"TXT", "CNAME", "A", "MX"} and rdataset.ttl == 300
    }
    assert found == {(record.name, record.value) for record in RECORDS}


def test_octodns_reads_what_was_meant(tmp_path: Path) -> None:
    plain = [record for record in RECORDS if "quote" not in record.value]
    (tmp_path / f"{ZONE}.yaml").write_text(octodns(plain, ZONE, 300))
    zone = OctoZone(f"{ZONE}.", [])
    assert YamlProvider("test", str(tmp_path)).populate(zone)
    found = {
        (record.fqdn.rstrip("."), str(value).replace("\\;", ";").replace("'", "").rstrip("."), record.ttl)
        for record in zone.records
        for value in (record.values if record._type in {"TXT", "A", "MX"} else [record.value])
    }
    assert found == {(record.name, record.value, 300) for record in plain}


def test_a_table_has_everything_in_one_piece() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(RECORDS, ZONE, 300))))
    assert [(row["name"], row["type"], row["value"], row["ttl"]) for row in rows] == [
        (record.name, record.type, record.value, "300") for record in RECORDS
    ]


@pytest.mark.parametrize("render", [bind, octodns, as_csv])
def test_nothing_is_nothing(render: object) -> None:
    assert render([], ZONE, 300).count("TXT") == 0  # type: ignore[operator]
