from __future__ import annotations

import pytest
from pydantic import ValidationError

from provisioner.core.customers import Account, Customer
from provisioner.core.fleet import Inventory
from provisioner.core.newcomers import conflicts
from tests.unit.core.test_bundle import ACME, HASH, INVENTORY, SHA512, customer


@pytest.mark.parametrize(
    "bad",
    [
        "secret",
        "{PLAIN}secret",
        "{CLEARTEXT}secret",
        "",
        "$argon2id$a:b",
        "$6$a b",
        "$6$a\n",
        "{argon2id}$a",
        "$",
        "{PLAIN}$ecret12",
        "{PLAIN}" + HASH,
        "$1$salt$" + 22 * "h",
        "{MD5-CRYPT}$1$salt$" + 22 * "h",
        "$5$salt$" + 43 * "h",
        "{BLF-CRYPT}" + HASH,
        "{SHA512-CRYPT}$6$salt$short",
        SHA512 + ":",
        HASH + "\n",
    ],
)
def test_only_hashes_are_taken_for_passwords(bad: str) -> None:
    with pytest.raises(ValidationError, match="password hash"):
        Account(login="acme", password_hash=bad)


def test_a_hash_knows_its_scheme() -> None:
    yescrypt = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" + 43 * "h"
    for scheme, text in (
        ("ARGON2ID", HASH),
        ("BLF-CRYPT", "$2y$05$" + 53 * "h"),
        ("SHA512-CRYPT", SHA512.removeprefix("{SHA512-CRYPT}")),
        ("SHA512-CRYPT", "$6$rounds=100000$salt$" + 86 * "h"),
        ("CRYPT", yescrypt),
    ):
        whole = f"{{{scheme}}}{text}"
        assert [Account(login="acme", password_hash=each).dovecot_hash for each in (text, whole)] == [
            whole
        ] * 2


def test_a_hash_is_not_shown() -> None:
    assert HASH not in repr(ACME)


def test_a_customer_is_kept_canonical() -> None:
    found = Customer.model_validate(
        {"name": "acme", "contact": "A@ACME.example", "domains": ["ACME.example."]}
    )
    assert (found.contact, found.domains, found.plan) == ("A@acme.example", ("acme.example",), "base")


@pytest.mark.parametrize(
    ("zone", "wrong"), [("localtime", "another time zone on each host"), ("Europe/Rom", "is not a time zone")]
)
def test_a_time_zone_is_the_same_everywhere(zone: str, wrong: str) -> None:
    facts = {"name": "acme", "contact": "a@acme.example", "domains": ["acme.example"]}
    assert Customer.model_validate(facts | {"time_zone": "Europe/Rome"}).time_zone == "Europe/Rome"
    with pytest.raises(ValidationError, match=wrong):
        Customer.model_validate(facts | {"time_zone": zone})


@pytest.mark.parametrize(
    ("newcomer", "reasons"),
    [
        (customer("acme", ["new.example"], ["new"]),
         ["customer 'acme' exists already, in customers/acme.yml"]),
        (customer("new", ["new.example"], ["new"]), []),
        (
            customer("new", ["acme.example"], ["globex"]),
            [
                "domain 'acme.example' is claimed by customers/acme.yml already",
                "login 'globex' is claimed by customers/globex.yml already",
            ],
        ),
        (customer("new", ["dkim.operator.example"], ["new"]),
         ["domain 'dkim.operator.example' is a name of the fleet itself"]),
        (customer("new", ["a.example", "a.example"], ["new"]), ["domain 'a.example' appears twice"]),
    ],
)  # fmt: skip
def test_whether_a_newcomer_fits(newcomer: Customer, reasons: list[str]) -> None:
    inventory: Inventory = INVENTORY
    assert conflicts(inventory, [("here", newcomer)]) == [("here", reason) for reason in reasons]
