"""`dns verify --since-last`, as a timer runs it every day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli import dns_drift
from provisioner.core.answers import Outcome
from tests.unit.cli.running import Outcome as Ended
from tests.unit.cli.running import Run
from tests.unit.cli.test_dns_verify import make_sound

WRONG = "v=DMARC1; p=monitor"


@pytest.fixture
def sound(run: Run) -> Run:
    make_sound(run)
    return run


def today(run: Run, *more: str) -> Ended:
    return run("dns", "verify", "--all", "--fleet", "--since-last", *more)


def test_a_quiet_day(sound: Run) -> None:
    first = today(sound)
    assert (first.code, "Kept as the first look: 4 looked at, 0 wrong" in first.out) == (0, True)
    second = today(sound)
    assert (second.code, "0 worse, 0 better, 0 wrong as before" in second.out) == (0, True)


def test_what_broke_overnight_is_an_alarm_once(sound: Run) -> None:
    sound.dns.set("_dmarc.acme.example", "TXT", WRONG)
    assert today(sound).code == 0  # wrong all along
    sound.dns.set("_dmarc.globex.example", "TXT", WRONG)
    broken = today(sound)
    assert broken.code == 1
    assert "globex.example" in broken.err
    assert "acme.example" not in broken.out + broken.err
    assert "p=monitor is none of" in broken.out
    after = today(sound)
    assert (after.code, "0 worse, 0 better, 2 wrong as before" in after.out) == (0, True)


def test_doubt_is_told_and_no_alarm(sound: Run) -> None:
    today(sound)
    sound.dns.fail("globex.example", "MX", Outcome.TIMEOUT)
    told = today(sound)
    assert (told.code, "In doubt" in told.err) == (0, True)


def test_json_has_what_changed(sound: Run) -> None:
    today(sound)
    sound.dns.set("_dmarc.globex.example", "TXT", WRONG)
    worse: Any = today(sound, "--json").json
    assert [each["id"] for each in worse["worse"]["globex.example"]] == ["dmarc"]
    sound.dns.set("_dmarc.globex.example", "TXT", "v=DMARC1; p=none")
    better: Any = today(sound, "--json").json
    assert (list(better["worse"]), list(better["better"])) == ([], ["globex.example"])


def test_one_domain_alone_leaves_what_is_known_of_the_others(sound: Run) -> None:
    today(sound)
    sound.dns.set("_dmarc.globex.example", "TXT", WRONG)
    assert sound("dns", "verify", "acme.example", "--since-last").code == 0
    assert today(sound).code == 1


def test_a_fleet_without_customers_is_looked_at_too(sound: Run) -> None:
    for file in (sound.root / "customers").iterdir():
        file.unlink()
    assert today(sound).code == 0
    assert sound("dns", "verify", "--all").code == 2


def test_watching_is_another_thing(sound: Run) -> None:
    assert sound("dns", "verify", "--all", "--since-last", "--watch").code == 2


def test_a_damaged_state_is_an_error(sound: Run) -> None:
    (sound.root / "readiness.json").write_text("{")
    told = today(sound)
    assert (told.code, "readiness.json" in told.err) == (2, True)


def test_a_customer_that_is_gone_is_forgotten_and_the_fleet_is_not(sound: Run) -> None:
    today(sound)
    (sound.root / "customers" / "globex.yml").unlink()
    assert sound("dns", "verify", "--all", "--since-last").code == 0
    kept = json.loads((sound.root / "readiness.json").read_text())["all"]
    assert set(kept) == {"the fleet", "acme.example", "shop.acme.example"}


def test_what_only_some_runs_look_at_is_no_news_to_them_each_time(sound: Run, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("domain,rate\nacme.example,0.1%\n")
    weekly = ("acme.example", "--since-last", "--spam-rates", str(rates))
    assert sound("dns", "verify", *weekly).code == 0
    rates.write_text("domain,rate\nacme.example,5%\n")
    assert sound("dns", "verify", *weekly).code == 1
    assert today(sound).code == 0
    assert sound("dns", "verify", *weekly).code == 0  # told the week before


def test_an_alarm_that_could_not_be_told_is_told_by_the_next_run(
    sound: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    today(sound)
    sound.dns.set("_dmarc.globex.example", "TXT", WRONG)

    def killed(*_: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as broken:
        broken.setattr(dns_drift, "_tell", killed)
        assert today(sound).code == 9
    assert today(sound).code == 1
