from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.errors import UsageError
from provisioner.core.plans import Override
from provisioner.workflows import customer_change as change
from provisioner.workflows.push import TenantPush
from tests import samples
from tests.fakes import FakePasswords, FakePush

TODAY = datetime.now(UTC).date()
SOON = TODAY + timedelta(days=3)
SALE: dict[str, object] = {"value": 9000, "until": SOON, "reason": "sale"}


@pytest.fixture
def store(tmp_path: Path) -> TenantFiles:
    return TenantFiles(samples.write(tmp_path))


def granted(push: FakePush, login: str) -> dict[str, object]:
    lines = push.bundles[-1].frontend["accounts"].decode().splitlines()
    found: dict[str, object] = json.loads(
        next(line for line in lines if line.startswith(login)).split(" ", 1)[1]
    )
    return found


def text(store: TenantFiles, tmp_path: Path) -> str:
    return (tmp_path / "customers/acme.yml").read_text()


def test_a_plan_is_changed_and_comments_stay(store: TenantFiles, tmp_path: Path) -> None:
    push = FakePush()
    assert change.set_plan(store, "acme", "plus", push).anew
    assert "# The first customer." in text(store, tmp_path)
    assert "plan: plus" in text(store, tmp_path)
    assert granted(push, "acme-web")["limits"]["recipients_per_day"] == 5000  # type: ignore[index]
    assert not change.set_plan(store, "acme", "plus", push).anew


def test_an_exception_comes_and_goes(store: TenantFiles, tmp_path: Path) -> None:
    push, before = FakePush(), text(store, tmp_path)
    change.override(store, "acme", "recipients_per_day", SALE, push)
    assert granted(push, "acme-web")["overrides"]["recipients_per_day"][0] == 9000  # type: ignore[index]
    change.override(store, "acme", "recipients_per_hour", SALE | {"value": None}, push)
    change.end_override(store, "acme", "recipients_per_day", push)
    assert list(granted(push, "acme-web")["overrides"]) == ["recipients_per_hour"]  # type: ignore[call-overload]
    change.end_override(store, "acme", "recipients_per_hour", push)
    assert text(store, tmp_path) == before


@pytest.mark.parametrize(
    ("before", "after", "rises"),
    [
        (None, (1000, 3), False),
        (None, (1001, 0), True),
        ((5000, 3), (5000, 4), True),
        ((5000, 3), (5000, 2), False),
        ((900, 3), (900, 4), False),
        ((900, 3), (900, 2), True),
        ((900, 3), None, True),
        ((900, -1), None, False),
        ((5000, 3), None, False),
        ((5000, -1), (5000, 0), True),
        ((None, 3), (9000, 3), False),
        ((None, 3), (9000, 4), True),
    ],
)
def test_whether_more_may_be_sent_on_some_day(
    store: TenantFiles,
    before: tuple[int | None, int] | None,
    after: tuple[int | None, int] | None,
    rises: bool,
) -> None:
    """Exceptions from 1,000 a day: what holds, and in how many days it ends."""

    def exception(facts: tuple[int | None, int] | None) -> Override | None:
        until = TODAY + timedelta(days=facts[1]) if facts else TODAY
        return Override(value=facts[0], until=until, reason="sale") if facts else None

    inventory, was = store.load(), exception(before)
    customer = inventory.customers[0].model_copy(update={"overrides": {change.DAY: was} if was else {}})
    assert change.day_rises(inventory, customer, exception(after)) == rises
    last = Override(value=1, until=date.max, reason="x")
    assert not change.day_rises(inventory, customer.model_copy(update={"overrides": {}}), last)


def test_suspension_says_why_and_ends(store: TenantFiles, tmp_path: Path) -> None:
    push, before = FakePush(), text(store, tmp_path)
    change.suspend(store, "acme", "unpaid", datetime.now(UTC), push)
    assert granted(push, "acme-web")["suspended"] == "unpaid"
    change.resume(store, "acme", push)
    assert "suspended" not in granted(push, "acme-web")
    assert text(store, tmp_path) == before
    with pytest.raises(UsageError, match="is not suspended"):
        change.resume(store, "acme", push)


def test_a_new_password_is_for_one_account(store: TenantFiles, tmp_path: Path) -> None:
    push = FakePush()
    changed, login, password = change.rotate_password(store, FakePasswords(), "globex", None, push)
    assert (login, password) == ("globex", "the-password")
    assert changed.customer.accounts[0].password_hash != samples.HASH
    with pytest.raises(UsageError, match="Which account"):
        change.rotate_password(store, FakePasswords(), "acme", None, push)
    with pytest.raises(UsageError, match="no account 'globex'"):
        change.rotate_password(store, FakePasswords(), "acme", "globex", push)
    others, _, _ = change.rotate_password(store, FakePasswords(), "acme", "acme-web", push)
    assert others.customer.accounts[1].password_hash == samples.HASH


@pytest.mark.parametrize(
    ("limit", "given", "told"),
    [
        ("recipients", SALE, "'recipients' is no limit"),
        ("connections", SALE | {"value": 0}, "can't be 0"),
        ("connections", SALE | {"value": -1}, "greater than or equal to 0"),
        ("connections", SALE | {"value": "many"}, "value: input should be a valid integer"),
        ("connections", SALE | {"reason": ""}, "at least 1 character"),
        ("connections", SALE | {"until": date(2020, 1, 1)}, "2020-01-01 is over"),
        ("connections", {}, "'value' is missing; 'until' is missing; 'reason' is missing"),
        (
            "recipients",
            {"value": "-5", "until": date(2020, 1, 1)},
            "no limit.* is over.*integer.*'reason' is missing",
        ),
    ],
)
def test_a_wrong_exception_changes_nothing(
    store: TenantFiles, tmp_path: Path, limit: str, given: dict[str, object], told: str
) -> None:
    push: TenantPush = FakePush()
    before = text(store, tmp_path)
    with pytest.raises(UsageError, match=told):
        change.override(store, "acme", limit, given, push)
    assert text(store, tmp_path) == before


def test_what_is_not_there(store: TenantFiles) -> None:
    with pytest.raises(UsageError, match="no plan 'gold'"):
        change.set_plan(store, "acme", "gold", None)
    with pytest.raises(UsageError, match="no customer 'nobody'"):
        change.set_plan(store, "nobody", "base", None)
    with pytest.raises(UsageError, match="no override"):
        change.end_override(store, "acme", "connections", None)
