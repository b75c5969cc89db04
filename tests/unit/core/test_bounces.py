from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioner.adapters.inventory_files import load
from provisioner.core.bounces import Bounce, to_suppress
from provisioner.core.suppression import NOTE_LENGTH, Reason
from tests import samples

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def bounce(login: str, recipient: str, dsn: str = "5.1.1", hours: int = 0) -> Bounce:
    return Bounce(login, recipient, dsn, "no such user", NOW + timedelta(hours=hours))


def test_only_who_is_gone_is_written_to_no_more(tmp_path: Path) -> None:
    found = to_suppress(
        samples.inventory(tmp_path),
        [
            bounce("acme-web", "Gone@b.example", hours=1),
            bounce("acme-shop", "gone@b.example"),
            bounce("acme-web", "full@b.example", "5.2.2"),
            bounce("acme-web", "no address"),
            bounce("stranger", "x@b.example"),
        ],
    )
    ((customer, (entry,)),) = found.items()
    assert (customer, entry.address, entry.reason) == ("acme", "gone@b.example", Reason.BOUNCE)
    assert entry.at == NOW + timedelta(hours=1)
    assert entry.note == "5.1.1 no such user"


def test_a_long_answer_fits_into_the_note(tmp_path: Path) -> None:
    long = Bounce("acme-web", "x@b.example", "5.1.1", "no such user " * 100, NOW)
    (entry,) = to_suppress(samples.inventory(tmp_path), [long])["acme"]
    assert len(entry.note) <= NOTE_LENGTH


def test_a_plan_that_looks_at_no_list_gets_none(tmp_path: Path) -> None:
    plans = "base: {suppression: 'off'}\nbusiness: {}\n"
    (samples.write(tmp_path) / "plans.yml").write_text(plans)
    inventory = load(tmp_path)
    assert to_suppress(inventory, [bounce("acme-web", "x@b.example")]) == {}
