from __future__ import annotations

import pytest

from provisioner.core.checks import check_spam_rate
from provisioner.core.errors import InventoryError
from provisioner.core.findings import Status
from provisioner.core.spam_rates import parse


def test_rates_are_read_in_both_ways_of_writing() -> None:
    lines = ("\ufeffDate,Domain,Rate", "1,ACME.example,0.05%", "2,acme.example, 0.0012 ", "", ",b.example,0")
    assert parse("\n".join(lines), "rates.csv") == {"acme.example": 0.0012, "b.example": 0.0}


def test_every_fault_is_told_with_its_line() -> None:
    text = "domain,rate\nacme.example,much\nnot a domain,0.1%\nb.example,120%\nc.example\n"
    with pytest.raises(InventoryError) as told:
        parse(text, "rates.csv")
    assert [fault.line for fault in told.value.faults] == [2, 3, 4, 5]


@pytest.mark.parametrize("text", ["", "host,rate\n", "acme.example,0.1%\n"])
def test_a_file_without_the_columns(text: str) -> None:
    with pytest.raises(InventoryError):
        parse(text, "rates.csv")


@pytest.mark.parametrize(
    ("rate", "status"),
    [
        (0.0, Status.PASS),
        (0.00099, Status.PASS),
        (0.001, Status.WARN),
        (0.0029, Status.WARN),
        (0.003, Status.FAIL),
    ],
)
def test_googles_limits(rate: float, status: Status) -> None:
    assert check_spam_rate("acme.example", {"acme.example": rate}).status is status


def test_what_is_not_given_is_unknown() -> None:
    assert check_spam_rate("acme.example", {}).status is Status.UNKNOWN
