"""Sympa's one-click addresses, which have to work for longer than Sympa takes them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from provisioner_dem.oneclick import DAYS, is_one_click, reader

TODAY = 20_783
SINCE = 1_795_000_000
ANNA = "anna@gmail.test"


def address(who: str, day: int) -> str:
    """As Sympa makes it (Sympa::List::oneclick_id)."""
    digest = hashlib.md5(f"{SINCE}{who}{day}".encode(), usedforsecurity=False).digest()
    return f"{day}-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def rows(query: str, values: Any) -> list[tuple[str]]:
    """The table's one reader, found by what MariaDB's MD5 gives."""
    assert "MD5(CONCAT" in query
    name, domain, day, digest = values
    right = hashlib.md5(f"{SINCE}{ANNA}{day}".encode(), usedforsecurity=False).hexdigest()
    return [(ANNA,)] if (name, domain, digest) == ("news", "acme.example", right) else []


def ask(path: str) -> tuple[str, str] | None:
    return reader(rows, "acme.example", path, TODAY)


@pytest.mark.parametrize("days", [0, 7, 8, DAYS])
def test_an_address_is_good_for_a_year(days: int) -> None:
    assert ask(f"/oneclick/news/{address(ANNA, TODAY - days)}") == ("news", ANNA)


def test_sympas_own_way_of_making_them() -> None:
    # Perl's encode_base64url(md5(…)) of the three.
    assert address(ANNA, TODAY) == "20783-ctuzMngGOSVZRj30Xqxe1A"


@pytest.mark.parametrize(
    "path",
    [
        f"/oneclick/news/{address(ANNA, TODAY - DAYS - 1)}",
        f"/oneclick/news/{address(ANNA, TODAY + 1)}",
        f"/oneclick/news/{address('bob@gmail.test', TODAY)}",
        f"/oneclick/other/{address(ANNA, TODAY)}",
        f"/oneclick/news/{TODAY}-",
        f"/oneclick/news/{address(ANNA, TODAY)}/x",
        "/oneclick/../news/1-aaaaaaaaaaaaaaaaaaaaaa",
        "/",
    ],
)
def test_everything_else_is_nobodys(path: str) -> None:
    assert ask(path) is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"List-Unsubscribe=One-Click", True),
        (b"website=&List-Unsubscribe=One-Click", True),
        (
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            True,
        ),
        (b"List-Unsubscribe=one", False),
        (b"", False),
    ],
)
def test_a_form_has_to_say_it(body: bytes, says: bool) -> None:
    assert is_one_click(body) is says
