"""How long keys last: the customer's word before its plan's, and the plan's before the fleet's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.core.key_slots import Policy, policy_of
from tests import samples

PLANS = """\
---
base: {dkim_age: 90d}
business: {}
"""


def policy(root: Path, domain: str = "acme.example", fleet: str = "", acme: str = "") -> Policy:
    inventory = samples.inventory(root, fleet=samples.FLEET + fleet, acme=samples.ACME + acme, plans=PLANS)
    return policy_of(inventory, domain)


@pytest.mark.parametrize(
    ("domain", "fleet", "acme", "age"),
    [
        ("globex.example", "", "", timedelta(days=180)),
        ("globex.example", "fleet_dkim_age: 365d\n", "", timedelta(days=365)),
        ("globex.example", "fleet_dkim_age: null\n", "", None),
        ("acme.example", "", "", timedelta(days=90)),
        ("acme.example", "fleet_dkim_age: 365d\n", "", timedelta(days=90)),
        ("acme.example", "fleet_dkim_age: null\n", "", timedelta(days=90)),
        ("acme.example", "", "dkim_age: 30d\n", timedelta(days=30)),
        ("shop.acme.example", "fleet_dkim_age: null\n", "dkim_age: 400d\n", timedelta(days=400)),
        ("nobodys.example", "fleet_dkim_age: 365d\n", "", timedelta(days=365)),
    ],
)
def test_the_nearest_word_on_age_holds(
    tmp_path: Path, domain: str, fleet: str, acme: str, age: timedelta | None
) -> None:
    assert policy(tmp_path, domain, fleet, acme).age == age


def test_the_way_on_is_no_longer_than_a_queue_and_retirement_no_shorter_than_both(tmp_path: Path) -> None:
    ttl = timedelta(hours=1)
    usual = policy(tmp_path)
    assert (usual.queue, usual.hops) == (timedelta(days=5), timedelta(days=1))
    assert usual.retirement(ttl) == timedelta(days=14)
    short = policy(tmp_path, fleet="fleet_queue_lifetime: 4h\nfleet_dkim_retirement: 1h\n")
    assert (short.hops, short.retirement(ttl)) == (timedelta(hours=4), timedelta(hours=9))
