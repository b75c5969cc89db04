from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from provisioner.core.customers import today_in
from provisioner.core.plans import Override
from provisioner.core.usage import Counts, holding, usages
from tests.unit.core.test_bundle import ACME, GLOBEX, INVENTORY


def test_the_fullest_comes_first() -> None:
    counts = {
        "acme": Counts({"2026-01-02": 400, "2026-01-01": 9}, 3),
        "globex": Counts({"2026-01-02": 900}, 0),
    }
    found = usages(INVENTORY, counts)
    assert [(each.customer, each.today, each.share) for each in found] == [
        ("globex", 900, 0.9),
        ("acme", 400, 0.4),
    ]
    assert found[1].this_hour == 3
    assert [each.customer for each in usages(INVENTORY, {"acme": counts["acme"]})] == ["acme"]


def test_an_exception_counts_while_it_holds() -> None:
    today = today_in("UTC")

    def limit(until_days: int) -> int | None:
        until = (today + timedelta(days=until_days)).isoformat()
        made = Override.model_validate({"value": 7, "until": until, "reason": "x"})
        customer = ACME.model_copy(update={"overrides": {"recipients_per_day": made}})
        return holding(
            replace(INVENTORY, customers=(customer, GLOBEX)), customer, "recipients_per_day", today
        )

    assert (limit(0), limit(-1)) == (7, 1000)
