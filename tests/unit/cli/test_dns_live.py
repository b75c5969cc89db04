"""What `dns verify` adds to DNS: live probes and spam rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.cli import live_probes
from provisioner.core.reconciliation import LoginMail
from tests import samples
from tests.unit.cli.running import Run
from tests.unit.cli.test_dns_verify import make_sound
from tests.unit.workflows.test_live import tools

URL = "https://news.acme.example/u"


@pytest.fixture
def sound(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    make_sound(run)
    monkeypatch.setattr(live_probes, "tools", lambda path, inventory: tools())
    return run


def found(run: Run, *arguments: str) -> dict[str, set[tuple[str, str]]]:
    """By subject: checks and how they came out."""
    reports = run("dns", "verify", *arguments, "--json").json["reports"]  # type: ignore[index]
    return {name: {(each["id"], each["status"]) for each in some} for name, some in reports.items()}


def test_the_fleet_is_talked_to(sound: Run) -> None:
    without = found(sound, "--fleet")["the fleet"]
    assert found(sound, "--fleet", "--live")["the fleet"] - without == {
        ("tls", "pass"),
        ("bounce-mailbox", "pass"),
    }
    assert "/.well-known/mta-sts.txt" in sound("dns", "verify", "--fleet", "--live").out


def test_a_customers_link_is_asked_when_it_is_given(sound: Run) -> None:
    told = found(sound, "acme.example", "--live", "--unsubscribe-url", URL)
    assert ("one-click", "pass") in told["acme.example"]
    foreign = sound(
        "dns", "verify", "acme.example", "--live", "--unsubscribe-url", "https://globex.example/u"
    )
    assert foreign.code == 2
    again = sound("dns", "verify", "acme.example", "--live", "--unsubscribe-url", URL, "--watch")
    assert (again.code, "unsubscribe again" in again.err) == (2, True)
    assert sound("dns", "verify", "acme.example", "--unsubscribe-url", URL).code == 2
    assert sound("dns", "verify", "--all", "--live", "--unsubscribe-url", URL).code == 2


def test_return_paths_elsewhere_are_advice(sound: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    both = samples.GLOBEX.replace("  - globex.example", "  - globex.example\n  - globex.test")
    (sound.root / "customers/globex.yml").write_text(both)
    sent = {"globex": LoginMail({}, {"bounces@globex.test": 7})}
    answers = {"bounces@globex.test": (250, "ok")}
    seen = replace(tools(answers), senders=lambda: sent)
    monkeypatch.setattr(live_probes, "tools", lambda path, inventory: seen)
    without = sound("dns", "verify", "globex.example")
    assert "return paths in globex.test would not be; --live tells" in without.out
    assert ("alignment", "pass") in found(sound, "globex.example")["globex.example"]
    assert ("alignment", "warn") in found(sound, "globex.example", "--live")["globex.example"]
    assert sound("dns", "verify", "globex.example", "--live").code == 0


def test_spam_rates_are_judged_where_receivers_insist(sound: Run, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("domain,rate\nacme.example,0.05%\nglobex.example,0.4%\n")
    told = found(sound, "--all", "--spam-rates", str(file))
    assert ("spam-rate", "pass") in told["acme.example"]
    assert ("spam-rate", "unknown") in told["shop.acme.example"]
    assert ("spam-rate", "fail") in told["globex.example"]
    assert "Not looked at" not in sound("dns", "verify", "--all", "--spam-rates", str(file)).err
    assert "Not looked at: spam rates" in sound("dns", "verify", "--all").err
    assert "Not looked at: blocklists" in sound("dns", "verify", "--fleet").err
    lenient = found(sound, "globex.example", "--spam-rates", str(file), "--profile", "libero")
    assert ("spam-rate", "warn") in lenient["globex.example"]


def test_a_file_of_rates_that_is_wrong(sound: Run, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("domain,rate\nacme.example,lots\n?,0.1%\n")
    told = sound("dns", "verify", "--all", "--spam-rates", str(file))
    assert told.code == 2
    assert f"{file}:2" in told.err
    assert f"{file}:3" in told.err
    assert sound("dns", "verify", "--all", "--spam-rates", str(tmp_path / "none.csv")).code == 2
