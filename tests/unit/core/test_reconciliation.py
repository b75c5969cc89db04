from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from provisioner.core.reconciliation import (
    LoginMail,
    Reconciled,
    Tally,
    begins,
    by_customer,
    reconcile,
    together,
)
from provisioner.core.usage import Counts
from tests.unit.core.test_bundle import ACME, GLOBEX, INVENTORY

DAY = date(2026, 11, 23)


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


def test_a_customers_accounts_count_together_from_its_own_midnight() -> None:
    rome = ACME.model_copy(update={"time_zone": "Europe/Rome"})
    inventory = replace(INVENTORY, customers=(rome, GLOBEX))
    ledger = {
        "acme-web": LoginMail({at(2026, 11, 22, 22, 45): Tally(7, 7), at(2026, 11, 22, 23): Tally(5, 3, 1)}),
        "acme-app": LoginMail({at(2026, 11, 23, 9): Tally(2, 2)}),
        "globex": LoginMail({at(2026, 11, 22, 23): Tally(9, 9)}),
    }
    counts = {
        "acme": Counts({"2026-11-23": 7, "2026-11-22": 40}, 0),
        "globex": Counts({"2026-11-23": 4, "2026-11-22": 9}, 0),
    }
    mail, strangers = by_customer(inventory, ledger)
    found = reconcile(inventory, inventory.customers, counts, mail, DAY)
    assert found == [Reconciled("globex", 4, 0, 0, 0), Reconciled("acme", 7, 7, 5, 1)]
    assert (found[1].waiting, found[1].difference, strangers) == (1, 0, {})
    assert begins(inventory, inventory.customers, DAY) == at(2026, 11, 22, 23)


def test_what_a_removed_account_sent_is_its_customers() -> None:
    mail = LoginMail({at(2026, 11, 23, 9): Tally(3, 3)})
    acme = ACME.model_copy(update={"former_logins": ("acme-old", "globex")})
    others = tuple(each for each in INVENTORY.customers if each.name != "acme")
    inventory = replace(INVENTORY, customers=(acme, *others))
    assert by_customer(inventory, {"acme-old": mail, "globex": mail}) == (
        {"acme": [mail], "globex": [mail]},
        {},
    )


def test_a_probe_names_its_customer_and_a_login_of_nobodys_nobody() -> None:
    mail = LoginMail({at(2026, 11, 23, 9): Tally(3, 3)})
    ledger = {"acme.probe-1a2b": mail, "ghost": mail, "removed.probe-1a2b": mail}
    assert by_customer(INVENTORY, ledger) == ({"acme": [mail]}, {"ghost": 3, "removed.probe-1a2b": 3})


def test_a_recipient_that_a_message_names_ten_times_is_no_difference() -> None:
    mail = {"acme": [LoginMail({at(2026, 11, 23, 9): Tally(1, 1, 0, 9)})]}
    counts = {"acme": Counts({"2026-11-23": 10}, 0)}
    (found,) = reconcile(INVENTORY, (ACME,), counts, mail, DAY)
    assert (found.counted, found.taken, found.repeated, found.waiting) == (10, 1, 9, 0)
    assert (found.difference, found.is_off(0)) == (0, False)


def test_backends_add_up() -> None:
    one = {"acme": LoginMail({900: Tally(1, 1, 0, 4)}, {"a@x": 1})}
    two = {
        "acme": LoginMail({900: Tally(2, 0, 2, 3), 1800: Tally(1)}, {"a@x": 1, "b@x": 1}),
        "b": LoginMail(),
    }
    assert together([one, two]) == {
        "acme": LoginMail({900: Tally(3, 1, 2, 7), 1800: Tally(1)}, {"a@x": 2, "b@x": 1}),
        "b": LoginMail({}, {}),
    }


def test_what_is_an_alarm() -> None:
    def off(counted: int, taken: int, percent: float = 1) -> bool:
        return Reconciled("a", counted, taken, 0, 0).is_off(percent)

    assert not off(100, 96)  # four recipients are none, whatever share they are
    assert off(100, 95)
    assert off(95, 100)
    assert not off(1000, 990)
    assert off(1000, 989)
    assert off(0, 5)
    assert not off(100, 90, percent=10)
