"""What a recipient costs where there is a suppression list, beside a policy service that answers DUNNO."""

from __future__ import annotations

from benchmarks import lab, quota
from benchmarks.report import Ratio
from provisioner.adapters import suppressions
from provisioner.cli import wiring
from provisioner.core.suppression import Reason, entry

LISTED = 20_000


def run() -> list[Ratio]:
    """Measure on the first frontend of the running lab, with a list of so many for its first customer."""
    lab.machines()
    inventory = lab.inventory()
    frontends = inventory.group("frontends")
    customer = next(each.name for each in inventory.customers if each.logins)
    many = [entry(f"gone{n}@sink.test", Reason.BOUNCE, wiring.now()) for n in range(LISTED)]
    suppressions.add(frontends, customer, many, lambda _: None)
    try:
        return quota.measured("recipient looked for in a list", ("RCPT",), "none set")
    finally:
        suppressions.remove(frontends, customer, [each.address for each in many])
