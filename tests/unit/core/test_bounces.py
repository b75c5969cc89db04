from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters.inventory_files import load
from provisioner.core.bounces import Bounce, Kind, classify, to_suppress
from provisioner.core.suppression import NOTE_LENGTH, Reason
from tests import samples

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dsn", "said", "kind"),
    [
        ("5.1.1", "host mx.test said: 550 5.1.1 <x@y.test>: Recipient address rejected", Kind.HARD),
        ("5.1.1", "550-5.1.1 The email account that you tried to reach does not exist.", Kind.HARD),
        (
            "5.1.10",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP lookup",
            Kind.HARD,
        ),
        (
            "5.4.4",
            "Host or domain name not found. Name service error for name=nowhere.test type=A",
            Kind.HARD,
        ),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.", Kind.HARD),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable", Kind.HARD),
        ("5.7.1", "550 5.7.1 No such user here", Kind.HARD),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", Kind.HARD),
        (
            "5.0.0",
            "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com)",
            Kind.HARD,
        ),
        ("5.2.2", "552 5.2.2 Over quota", Kind.FULL),
        ("5.1.1", "550 5.1.1 mailbox full", Kind.FULL),
        ("5.0.0", "552 Mailbox is full", Kind.FULL),
        ("5.7.1", "550 5.7.1 Service unavailable; client blocked using zen.example", Kind.BLOCKED),
        ("5.7.26", "550-5.7.26 This mail is unauthenticated, which poses a security risk", Kind.BLOCKED),
        ("5.0.0", "554 Message rejected as spam", Kind.BLOCKED),
        ("5.7.1", "550 5.7.1 Access denied", Kind.BLOCKED),
        ("5.3.4", "552 5.3.4 Message size exceeds fixed limit", Kind.SOFT),
        ("5.0.0", "554 transaction failed", Kind.SOFT),
        ("5.4.6", "554 5.4.6 Too many hops", Kind.SOFT),
    ],
)
def test_failures_are_told_apart(dsn: str, said: str, kind: Kind) -> None:
    assert classify(dsn, said) is kind


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
