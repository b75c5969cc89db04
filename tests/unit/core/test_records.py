from __future__ import annotations

from pathlib import Path

from provisioner.core.customers import DkimRecords
from provisioner.core.records import Record, Zone, customer_records, fleet_records
from tests import samples
from tests.unit.core.test_bundle import ACME, SETTINGS, key


def lines(records: tuple[Record, ...]) -> list[str]:
    return [f"{record.name} {record.type} {record.value}" for record in records]


CNAMES = [
    f"{each}._domainkey.acme.example CNAME {each}.acme.example.dkim.operator.example"
    for each in ("s1", "e1", "s2", "e2", "s3", "e3")
]


def test_what_a_customer_needs() -> None:
    one = key("acme.example", 1)
    assert lines(customer_records(SETTINGS, ACME, "acme.example", (one,))) == [
        "acme.example TXT v=spf1 include:_spf.operator.example ~all",
        *CNAMES,
        "_dmarc.acme.example TXT v=DMARC1; p=none; rua=mailto:it@acme.example",
        f"e1.acme.example.dkim.operator.example TXT v=DKIM1; k=ed25519; p={one.public}",
    ]


def test_the_cnames_of_all_slots_are_published_once_whatever_keys_there_are() -> None:
    records = customer_records(SETTINGS, ACME, "acme.example", ())
    assert [line for line in lines(records) if " CNAME " in line] == CNAMES
    assert not [record for record in records if record.purpose == "dkim"]


def test_a_customer_without_cnames_publishes_the_keys_themselves() -> None:
    by_hand = ACME.model_copy(update={"dkim_records": DkimRecords.TXT})
    one = key("acme.example", 1)
    records = customer_records(SETTINGS, by_hand, "acme.example", (one,))
    assert {record.zone for record in records} == {Zone.CUSTOMER}
    assert [line for line in lines(records) if "_domainkey" in line] == [
        f"e1._domainkey.acme.example TXT v=DKIM1; k=ed25519; p={one.public}"
    ]


def test_a_key_has_a_record_from_its_publication_to_its_revocation() -> None:
    def text(state: str) -> list[str]:
        records = customer_records(SETTINGS, ACME, "acme.example", (key("acme.example", 1, state),))
        return [record.value for record in records if record.purpose == "dkim"]

    whole = [f"v=DKIM1; k=ed25519; p={key('acme.example', 1).public}"]
    for state in ("published", "verified", "active", "retiring"):
        assert text(state) == whole
    assert text("revoked") == ["v=DKIM1; k=ed25519; p="]
    assert text("distributed") == text("destroyed") == []


def test_reports_are_not_sent_to_another_domain() -> None:
    stranger = ACME.model_copy(update={"contact": "x@elsewhere.example"})
    dmarc = customer_records(SETTINGS, stranger, "acme.example", ())[-1]
    assert dmarc.value == "v=DMARC1; p=none"
    assert "rua" in dmarc.note


def test_what_the_fleet_needs(tmp_path: Path) -> None:
    records = lines(fleet_records(samples.inventory(tmp_path)))
    assert "smtp.operator.example A 192.0.2.10" in records
    assert "10.2.0.192.in-addr.arpa PTR smtp.operator.example" in records
    assert "lb1.operator.example A 192.0.2.11" in records
    assert "be2.operator.example AAAA 2001:db8::32" in records
    assert "32.100.51.198.in-addr.arpa PTR be2.operator.example" in records
    assert "bounce.operator.example MX 10 smtp.operator.example" in records
    assert (
        "_spf.operator.example TXT v=spf1 ip4:192.0.2.31 ip4:198.51.100.32 ip6:2001:db8::32 -all" in records
    )
    assert not [line for line in records if "dns1" in line]


def test_every_address_has_its_way_back(tmp_path: Path) -> None:
    records = fleet_records(samples.inventory(tmp_path))
    forward = {(record.value, record.name) for record in records if record.type in {"A", "AAAA"}}
    back = {record.value for record in records if record.type == "PTR"}
    assert len(forward) == len([record for record in records if record.type == "PTR"])
    assert back == {name for _, name in forward}
