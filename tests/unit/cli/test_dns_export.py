from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.unit.cli.running import Run


def test_a_customers_domain_is_written_as_a_table(run: Run) -> None:
    told = run("dns", "export", "acme.example", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert {row["purpose"] for row in rows} == {"spf", "dkim-cname", "dmarc"}
    assert {row["name"] for row in rows} >= {"acme.example", "_dmarc.acme.example"}


def test_of_the_fleet_what_is_in_other_zones_is_named(run: Run) -> None:
    told = run("dns", "export", "--fleet", "--format", "octodns")
    zone = json.loads(told.out)
    assert zone["smtp"] == [{"ttl": 3600, "type": "A", "value": "192.0.2.10"}]
    kinds = {each["type"] for each in zone["bounce"]}
    assert kinds == {"MX", "TXT"}
    assert "10.2.0.192.in-addr.arpa" in told.err


def test_it_goes_into_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "zone"
    assert run("dns", "export", "--fleet", "--to", str(file)).code == 0
    assert "smtp.operator.example. A 192.0.2.10" in file.read_text()


def test_what_can_not_be_exported(run: Run) -> None:
    assert run("dns", "export", "acme.example", "--fleet").code == 2
    assert run("dns", "export", "nobody.example").code == 2


def test_an_export_that_can_not_be_written(run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = run("dns", "export", "--fleet", "--to", str(tmp_path_factory.mktemp("folder")))
    assert (found.code, "can't be written" in found.err) == (2, True), found.err


def test_reverse_names_are_written_zone_by_zone(run: Run) -> None:
    told = run("dns", "export", "--fleet", "--zone", "2.0.192.in-addr.arpa.")
    assert (told.code, told.err) == (0, "")
    assert "$ORIGIN 2.0.192.in-addr.arpa.\n" in told.out
    assert "\n31.2.0.192.in-addr.arpa. PTR be1.operator.example.\n" in told.out
    assert "operator.example. A " not in told.out
    assert run("dns", "export", "--fleet", "--zone", "elsewhere.example").code == 2
    assert run("dns", "export", "--zone", "2.0.192.in-addr.arpa").code == 2
