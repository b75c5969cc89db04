from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from provisioner.adapters.dkim_keys import generate
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import dns_subjects, dns_verify, wiring
from provisioner.core.answers import Outcome
from provisioner.core.dkim import KeyState
from provisioner.workflows import dkim, dns
from tests import samples
from tests.unit.cli.running import Run

DOMAINS = ("acme.example", "shop.acme.example", "globex.example")


def make_sound(run: Run) -> None:
    """All customers' DNS and the fleet's as it ought to be."""
    store = TenantFiles(run.root)
    for domain in DOMAINS:
        made = dkim.generate(store, generate, domain, datetime.fromisoformat("2026-01-01T00:00:00Z"))
        keys = (*made.made, *made.kept)
        with store.locked():
            store.update_keys([key.model_copy(update={"state": KeyState.ACTIVE}) for key in keys])
    inventory = store.load()
    for subject in (None, *DOMAINS):
        run.dns.publish_all(dns.expected(inventory, subject))
    for domain in DOMAINS:
        run.dns.set(domain, "MX", f"10 mx.{domain}")
        run.dns.set(f"mx.{domain}", "A", "192.0.2.99")


@pytest.fixture
def sound(run: Run) -> Run:
    make_sound(run)
    return run


@pytest.mark.parametrize(
    "what",
    [
        ("acme.example",),
        ("ACME.example", "globex.example"),
        ("--customer", "acme"),
        ("--all",),
        ("--fleet",),
        ("--fleet", "--all", "--profile", "google"),
    ],
)
def test_what_is_right_passes(sound: Run, what: tuple[str, ...]) -> None:
    found = sound("dns", "verify", *what)
    assert found.code == 0, found.out + found.err
    assert "fail" not in found.out


def test_what_is_wrong_comes_first_with_what_was_expected(sound: Run) -> None:
    sound.dns.set("_dmarc.globex.example", "TXT", "v=DMARC1; p=monitor; rua=mailto:it@globex.example")
    found = sound("dns", "verify", "globex.example")
    assert found.code == 1
    (first, *_) = found.out.splitlines()[1:]
    assert first.startswith("fail")
    assert "p=none; rua=mailto:it@globex.example" in first
    assert "p=monitor is none of" in first
    assert "globex.example" in found.err


def test_many_are_counted_and_only_the_wrong_ones_shown(sound: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_verify, "SHOWN", 2)
    sound.dns.fail("globex.example", "MX", Outcome.TIMEOUT)
    found = sound("dns", "verify", "--all")
    assert found.code == 1
    assert "acme.example" not in found.out
    assert "2 pass  1 unknown" in " ".join(found.out.split("\n")[-2:])


def test_a_receiver_that_does_not_insist_is_only_a_warning(sound: Run) -> None:
    sound.dns.set("globex.example", "MX", "0 .")
    assert sound("dns", "verify", "globex.example", "--profile", "microsoft").code == 1
    lenient = sound("dns", "verify", "globex.example", "--profile", "google")
    assert lenient.code == 0
    assert "null MX" in lenient.out


def test_reports_for_programs_and_customers(sound: Run, tmp_path: Path) -> None:
    sound.dns.set("globex.example", "TXT", "v=spf1 mx <b> -all")
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    found = sound(
        "dns",
        "verify",
        "--customer",
        "globex",
        "--json",
        "--html",
        str(html),
        "--junit",
        str(junit),
        "--lang",
        "it",
    )
    assert found.code == 1
    facts: Any = found.json
    assert facts["status"] == "fail"
    spf = next(each for each in facts["reports"]["globex.example"] if each["id"] == "spf")
    assert spf["expected"] == "v=spf1 include:_spf.operator.example ~all"
    page = html.read_text()
    assert 'lang="it"' in page
    assert "Resta da fare" in page
    assert "&lt;b&gt;" in page
    assert "quanti lettori segnalano" in page
    assert "<b>" not in page
    assert "http" not in page.replace("http-equiv", "")  # nothing is fetched from anywhere
    (suite,) = ET.parse(junit).getroot()  # noqa: S314 - our own
    assert suite.get("failures") == "1"
    assert int(str(suite.get("tests"))) == len(suite)


def test_what_strangers_put_into_dns_controls_no_terminal(sound: Run, tmp_path: Path) -> None:
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    sound.dns.set("globex.example", "TXT", "v=spf1 \x1b]0;taken\x07\x1b[2J\x9b1m\u202e\x00 -all")
    found = sound("dns", "verify", "globex.example", "--html", str(html), "--junit", str(junit))
    assert found.code == 1
    assert "\\x1b[2J" in found.out
    for text in (found.out, found.err, html.read_text(), junit.read_text()):
        assert not set("\x00\x07\x1b\x9b\u202e") & set(text)
    ET.parse(junit)  # noqa: S314 - our own


def test_watching_ends_when_all_is_right(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def a_moment_later(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            make_sound(run)

    monkeypatch.setattr("time.sleep", a_moment_later)
    dkim.generate(
        TenantFiles(run.root), generate, "acme.example", datetime.fromisoformat("2026-01-01T00:00:00Z")
    )
    found = run("dns", "verify", "acme.example", "--watch")
    assert found.code == 0, found.out
    assert len(looks) == 2
    assert "to come right: spf acme.example" in found.err


def test_watching_gives_up_in_the_end(run: Run) -> None:
    assert run("dns", "verify", "acme.example", "--watch", "--timeout", "1").code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give domains"),
        (("acme.example", "--all"), "one of them"),
        (("--customer", "acme", "--file", "x"), "one of them"),
        (("elsewhere.example",), "belongs to no customer"),
        (("not_a_domain",), "not_a_domain"),
        (("a..b", "acme.example", "c..d"), "'a..b' is not a domain name; 'c..d' is not a domain name"),
        (("--customer", "nobody"), "no customer 'nobody'"),
        (("acme.example", "--resolver", "ns.example"), "not an IP address"),
        (("acme.example", "--resolver", "127.0.0.1", "--authoritative"), "not both"),
        (("--file", "missing"), "can't be read"),
    ],
)
def test_bad_input(run: Run, arguments: tuple[str, ...], told: str) -> None:
    found = run("dns", "verify", *arguments)
    assert found.code == 2
    assert told in found.err


@pytest.mark.parametrize("options", [("--resolver", "192.0.2.1"), (), ("--watch",)])
def test_a_resolver_that_is_not_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr(wiring, "answers", lambda server: False)
    found = run("dns", "verify", "acme.example", *options)
    assert (found.code, "no name server answers there" in found.err) == (2, True)


@pytest.mark.parametrize("option", ["--html", "--junit"])
def test_a_report_that_cannot_be_written(sound: Run, tmp_path: Path, option: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for path in (tmp_path, file / "report", Path("/proc/report")):
        found = sound("dns", "verify", "acme.example", option, str(path))
        assert (found.code, "can't be written" in found.err) == (2, True), path


def test_the_worst_subjects_come_first(sound: Run) -> None:
    sound.dns.data.pop(("_dmarc.globex.example", "TXT"))
    sound.dns.fail("shop.acme.example", "MX", Outcome.TIMEOUT)
    found = sound("dns", "verify", "--all", "--fleet", "--json").json
    assert isinstance(found, dict)
    assert [*found["reports"]] == ["globex.example", "shop.acme.example", "the fleet", "acme.example"]
    assert found["not_looked_at"] == ["spam-rate", "dnsbl"]


def test_files_of_domains(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "domains"
    file.write_text("acme.example\n\nelsewhere.example\nnot a domain\n")
    wrong = run("dns", "verify", "--file", str(file))
    assert wrong.code == 2
    assert f"{file}:3: " in wrong.err
    assert f"{file}:4: 'not a domain' is not a domain name" in wrong.err
    file.write_text("\n")
    assert "names no domain" in run("dns", "verify", "--file", str(file)).err
    monkeypatch.setattr(dns_subjects, "MOST", 2)
    file.write_text("\n".join(DOMAINS))
    many = run("dns", "verify", "--file", str(file))
    assert (many.code, "at most 2" in many.err) == (2, True)


def test_no_customers(run: Run) -> None:
    samples.write(run.root, acme=None, globex=None)
    for file in (run.root / "customers").glob("*.yml"):
        file.unlink()
    assert run("dns", "verify", "--all").code == 2
