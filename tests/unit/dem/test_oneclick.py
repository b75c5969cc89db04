"""Sympa's one-click addresses, which have to work for longer than Sympa takes them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from provisioner_dem.oneclick import DAYS, address, renewed

TODAY = 20_783
SINCE = 1_795_000_000
ANNA = "anna@gmail.test"


class Readers:
    """The table's one reader, found by what MariaDB's MD5 gives."""

    def rows(self, query: str, values: Any) -> list[tuple[int, str]]:
        assert "MD5(CONCAT" in query
        name, domain, day, digest = values
        code = address(SINCE, ANNA, int(day)).partition("-")[2]
        right = base64.urlsafe_b64decode(f"{code}==").hex()
        return [(SINCE, ANNA)] if (name, domain, digest) == ("news", "acme.example", right) else []


def ask(path: str) -> str | None:
    store: Any = Readers()
    return renewed(store, "acme.example", path, TODAY)


@pytest.mark.parametrize("days", [0, 7, 8, DAYS])
def test_an_address_of_the_last_year_is_one_of_today(days: int) -> None:
    assert ask(f"/oneclick/news/{address(SINCE, ANNA, TODAY - days)}") == (
        f"/oneclick/news/{address(SINCE, ANNA, TODAY)}"
    )


def test_sympas_own_way_of_making_them() -> None:
    # Perl's encode_base64url(md5(…)) of the three.
    assert address(SINCE, ANNA, TODAY) == "20783-ctuzMngGOSVZRj30Xqxe1A"


@pytest.mark.parametrize(
    "path",
    [
        f"/oneclick/news/{address(SINCE, ANNA, TODAY - DAYS - 1)}",
        f"/oneclick/news/{address(SINCE, ANNA, TODAY + 1)}",
        f"/oneclick/news/{address(SINCE, 'bob@gmail.test', TODAY)}",
        f"/oneclick/other/{address(SINCE, ANNA, TODAY)}",
        f"/oneclick/news/{TODAY}-",
        f"/oneclick/news/{address(SINCE, ANNA, TODAY)}/x",
        "/oneclick/../news/1-aaaaaaaaaaaaaaaaaaaaaa",
        "/",
    ],
)
def test_everything_else_is_none(path: str) -> None:
    assert ask(path) is None
