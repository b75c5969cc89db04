from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.core.checks import TlsSeen, check_tls
from provisioner.core.findings import Status

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=90)


@pytest.mark.parametrize(
    ("seen", "status", "told"),
    [
        (TlsSeen("192.0.2.1", 465, "TLSv1.3", LATER), Status.PASS, "90 days more"),
        (TlsSeen("192.0.2.1", 587, "TLSv1.3", NOW + timedelta(days=3)), Status.WARN, "3 days more"),
        (TlsSeen("192.0.2.1", 587, "TLSv1.3", LATER, by_fleet=True), Status.WARN, "own authority"),
        (TlsSeen("192.0.2.1", 25, "TLSv1", LATER), Status.FAIL, "TLSv1"),
        (TlsSeen("192.0.2.1", 25, "TLSv1", NOW + timedelta(days=3)), Status.FAIL, "TLSv1"),
        (TlsSeen("192.0.2.1", 25, error="no TLS: not offered"), Status.FAIL, "not offered"),
        (TlsSeen("192.0.2.1", 25, error="refused", silent=True), Status.UNKNOWN, "refused"),
    ],
)
def test_a_port_is_told_of_as_it_is(seen: TlsSeen, status: Status, told: str) -> None:
    found = check_tls("smtp.operator.example", seen, NOW)
    assert (found.id, found.status) == ("tls", status)
    assert found.subject == f"smtp.operator.example:{seen.port}"
    assert told in found.seen
    assert bool(found.fix) == (status is not Status.PASS)
