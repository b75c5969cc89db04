from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters import probes
from provisioner.cli import wiring
from tests import samples
from tests.unit.cli.keys import DOMAIN, Primary, Prober
from tests.unit.cli.running import Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(samples.write(tmp_path), monkeypatch, capsys)


@pytest.fixture
def clock(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time that commands see: the last of these. Waiting ends at once, with that much time gone."""
    moments = [datetime(2026, 1, 1, tzinfo=UTC)]
    monkeypatch.setattr(wiring, "now", lambda: moments[-1])

    def sleep(seconds: float) -> None:
        moments.append(moments[-1] + timedelta(seconds=seconds))

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr(wiring, "publisher", lambda inventory: Primary(run.dns))
    monkeypatch.setattr(probes, "Probes", lambda lookup: Prober())
    monkeypatch.setattr("provisioner.adapters.tenants.look", run.push)
    for zone in ("dkim.operator.example", DOMAIN):
        run.dns.set(zone, "SOA", "ns1.test hostmaster.test 1 2 3 4 60")
    return moments
