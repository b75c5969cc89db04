"""`customer`: what support does all day, and what each command says, for people and for programs."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.usage import Ban
from tests import samples
from tests.unit.cli.running import Outcome, Run

TOMORROW = (date.today() + timedelta(days=2)).isoformat()
OLD = "overrides:\n  recipients_per_day: {value: 9000, until: 2020-01-31, reason: sale}\n"


def facts(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    return cast(dict[str, Any], outcome.json)


def passwd(run: Run) -> list[str]:
    return run.push.bundles[-1].frontend["passwd"].decode().splitlines()


def accounts(run: Run) -> dict[str, dict[str, Any]]:
    lines = run.push.bundles[-1].frontend["accounts"].decode().splitlines()
    return {login: json.loads(said) for login, said in (line.split(" ", 1) for line in lines)}


def test_an_account_is_added_limited_shown_and_removed(run: Run) -> None:
    wanted = ("acme-news", "--domain", "SHOP.acme.example", "--network", "203.0.113.0/24", "--network", "::1")
    added = facts(run("customer", "account", "add", "acme", *wanted, "--json"))
    assert len(added["password"]) > 20
    file = (run.root / "customers/acme.yml").read_text()
    assert "# The first customer." in file
    assert added["password"] not in file
    assert accounts(run)["acme-news"]["networks"] == ["203.0.113.0/24", "::1/128"]
    assert f"{added['login']}:" in "\n".join(passwd(run))
    senders = run.push.bundles[-1].frontend["senders"].decode().splitlines()
    assert "@acme.example acme-shop,acme-web" in senders
    assert "@shop.acme.example acme-news,acme-shop,acme-web" in senders

    listed = cast(list[dict[str, Any]], run("customer", "account", "list", "acme", "--json").json)
    assert {
        "login": "acme-news",
        "domains": ["shop.acme.example"],
        "networks": ["203.0.113.0/24", "::1/128"],
    } in listed
    assert facts(run("customer", "show", "acme", "--json"))["accounts"] == listed
    for shown in (run("customer", "show", "acme").out, run("customer", "account", "list", "acme").out):
        (line,) = [line.split() for line in shown.splitlines() if line.startswith("acme-news")]
        assert line == ["acme-news", "shop.acme.example", "203.0.113.0/24,", "::1/128"]
        assert any(line.split() == ["acme-web", "all", "any"] for line in shown.splitlines())

    limit = ("customer", "account", "limit", "acme", "acme-news")
    assert "shop.acme.example" in run(*limit, "--network", "198.51.100.7").out
    assert accounts(run)["acme-news"]["networks"] == ["198.51.100.7/32"]
    assert run(*limit, "--any-network", "--domain", "acme.example").code == 0
    assert "networks" not in accounts(run)["acme-news"]
    senders = run.push.bundles[-1].frontend["senders"].decode().splitlines()
    assert "@acme.example acme-news,acme-shop,acme-web" in senders
    for wrong in ((), ("--any-domain", "--domain", "acme.example"), ("--domain", "globex.example")):
        before = samples.snapshot(run.root)
        assert run(*limit, *wrong).code == 2
        assert samples.snapshot(run.root) == before
    assert run("customer", "account", "limit", "acme", "nobody", "--any-domain").code == 2

    assert run("customer", "account", "remove", "acme", "acme-news", "--json").code == 2
    removed = facts(run("customer", "account", "remove", "acme", "acme-news", "--yes", "--json"))
    assert (removed["removed"], removed["logins"]) == ("acme-news", ["acme-shop", "acme-web"])
    assert "acme-news" not in accounts(run)
    # What it sent today stays counted as the customer's.
    kept = f"{samples.ACME}former_logins:\n  - acme-news\n"
    assert (run.root / "customers/acme.yml").read_text() == kept
    assert run("customer", "account", "add", "acme", "acme-news").code == 0
    assert "former_logins" not in (run.root / "customers/acme.yml").read_text()


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (("acme", "globex"), "login 'globex' is claimed by customers/globex.yml already"),
        (("acme", "acme-web"), "login 'acme-web' is claimed by customers/acme.yml already"),
        (("acme", "x y"), "is not a login"),
        (("acme", "new", "--domain", "globex.example"), "'globex.example' is none of the customer's domains"),
        (("acme", "new", "--network", "203.0.113.7/24"), "203.0.113.7/24 has host bits set; a network is"),
        (("nobody", "new"), "There is no customer 'nobody'"),
    ],
)
def test_an_account_that_cannot_be_changes_nothing(run: Run, wanted: tuple[str, ...], why: str) -> None:
    before = samples.snapshot(run.root)
    refused = run("customer", "account", "add", *wanted)
    assert (refused.code, why in refused.err) == (2, True), refused.err
    assert samples.snapshot(run.root) == before
    assert run.push.bundles == []


def test_a_password_is_rotated_for_one_login(run: Run) -> None:
    run("customer", "push")
    before = {line.split(":", 1)[0]: line for line in passwd(run)}
    assert run("customer", "rotate-password", "acme").code == 2  # which of the two?
    said = facts(run("customer", "rotate-password", "acme", "--login", "acme-shop", "--json"))
    after = {line.split(":", 1)[0]: line for line in passwd(run)}
    assert said["login"] == "acme-shop"
    assert [login for login in before if before[login] != after[login]] == ["acme-shop"]
    assert said["password"] not in "".join(after.values())
    shown = run("customer", "rotate-password", "globex")
    assert "shown only now" in shown.out
    assert shown.code == 0


def test_an_override_is_made_and_ended(run: Run) -> None:
    more = ("recipients_per_day", "5000", "--until", TOMORROW, "--reason", "sale", "--force")
    made = run("customer", "override", "acme", *more)
    assert made.code == 0, made.err
    limits = facts(run("customer", "show", "acme", "--json"))["limits"]
    assert (limits["recipients_per_day"], limits["recipients_per_hour"]) == (5000, 500)
    lifted = facts(
        run(
            "customer",
            "override",
            "acme",
            "connections",
            "none",
            "--until",
            TOMORROW,
            "--reason",
            "x",
            "--json",
        )
    )
    assert set(lifted["overrides"]) == {"recipients_per_day", "connections"}
    assert accounts(run)["acme-web"]["overrides"]["connections"][0] is None
    for limit in ("recipients_per_day", "connections"):
        assert run("customer", "override", "acme", limit, "--end").code == 0
    assert (run.root / "customers/acme.yml").read_text() == samples.ACME


@pytest.mark.parametrize(
    "wanted",
    [
        ("recipients_per_day", "5000", "--until", "2020-01-31", "--reason", "sale"),
        ("recipients_per_day", "0", "--until", TOMORROW, "--reason", "sale"),
        ("recipients_per_day", "-5", "--until", TOMORROW, "--reason", "sale"),
        ("recipients_per_week", "5", "--until", TOMORROW, "--reason", "sale"),
        ("recipients_per_day", "5000", "--until", TOMORROW),
        ("recipients_per_day", "--end"),
    ],
)
def test_an_override_that_makes_no_sense_changes_nothing(run: Run, wanted: tuple[str, ...]) -> None:
    before = samples.snapshot(run.root)
    assert run("customer", "override", "acme", *wanted).code == 2
    assert samples.snapshot(run.root) == before


def test_an_override_that_has_ended_is_told_everywhere(run: Run) -> None:
    (run.root / "customers/acme.yml").write_text(samples.ACME + OLD)
    shown = facts(run("customer", "show", "acme", "--json"))
    assert (shown["ended_overrides"], shown["limits"]["recipients_per_day"]) == (["recipients_per_day"], 1000)
    assert "until 2020-01-31 (sale) has ended" in run("customer", "show", "acme").out
    listed = {
        each["name"]: each["ended_overrides"]
        for each in cast(list[Any], run("customer", "list", "--json").json)
    }
    assert listed == {"acme": ["recipients_per_day"], "globex": []}
    assert "acme: the override of recipients_per_day has ended" in run("customer", "list").out


def test_who_is_banned_is_shown(run: Run) -> None:
    run.bans = (Ban("acme-web", "203.0.113.7", 10, 600),)
    assert (
        "203.0.113.7 may not log in to acme-web for 10 min more: 10 failed"
        in run("customer", "show", "acme").out
    )
    assert facts(run("customer", "show", "acme", "--json"))["bans"][0]["source"] == "203.0.113.7"


def test_a_customer_is_removed_and_programs_are_told(run: Run) -> None:
    assert run("customer", "remove", "acme", "--json").code == 2
    assert (run.root / "customers/acme.yml").exists()
    removed = facts(run("customer", "remove", "acme", "--yes", "--json"))
    assert removed["name"] == "acme"
    assert [Path(file).name for file in removed["files"]] == ["acme.yml"]
    assert not (run.root / "customers/acme.yml").exists()


def test_a_table_is_checked_then_imported(run: Run, tmp_path: Path) -> None:
    table, kept = tmp_path / "new.csv", tmp_path / "passwords.csv"
    rows = (
        ("name", "contact", "domains", "plan"),
        ("initech", "it@initech.example", "initech.example", "plus"),
        ("hooli", "it@hooli.example", "hooli.example hooli.test", ""),
    )
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    before = samples.snapshot(run.root / "customers")
    assert "2 customers would be added" in run("customer", "import", str(table), "--check").out
    would = facts(run("customer", "import", str(table), "--check", "--json"))
    assert would == {"would_add": ["initech", "hooli"]}
    needed = run("customer", "import", str(table))
    assert (needed.code, "--passwords-to" in needed.err) == (2, True)
    assert samples.snapshot(run.root / "customers") == before
    done = facts(run("customer", "import", str(table), "--passwords-to", str(kept), "--json"))
    assert done == {"added": ["initech", "hooli"]}
    assert kept.stat().st_mode & 0o777 == 0o600
    made = {row["login"]: row["password"] for row in csv.DictReader(kept.read_text().splitlines())}
    assert set(made) == {"initech", "hooli"}
    assert len(run.push.bundles) == 1
    assert not any(password in "\n".join(passwd(run)) for password in made.values())
    again = run("customer", "import", str(table), "--passwords-to", str(kept))
    assert (again.code, again.err.count("exists already")) == (2, 2)


def test_a_table_with_faults_tells_all_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(
        "name,contact,domains,plan,time_zone\n"
        "initech,nobody,acme.example,gold,Europe/Rome\n"
        "hooli,it@hooli.example,hooli.example,base,Europe/Atlantis\n"
    )
    before = samples.snapshot(run.root)
    refused = run("customer", "import", str(tmp_path / "new.csv"), "--passwords-to", str(tmp_path / "kept"))
    assert refused.code == 2
    for fault in (
        "'nobody' is not an e-mail",
        "'acme.example' is claimed",
        "no plan 'gold'",
        "Europe/Atlantis",
    ):
        assert fault in refused.err
    assert samples.snapshot(run.root) == before
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(("lang", "word"), [("en", "Recipients a day"), ("it", "Destinatari al giorno")])
def test_a_sheet_is_written(run: Run, tmp_path: Path, lang: str, word: str) -> None:
    said = run("customer", "sheet", "acme", "--lang", lang, "--to", str(tmp_path / "sheet.md"))
    assert said.code == 0, said.err
    text = (tmp_path / "sheet.md").read_text()
    assert all(part in text for part in (word, "smtp.operator.example", "acme-web", "465", "v=spf1"))
    assert samples.HASH not in text


def test_a_sheet_in_other_forms(run: Run, tmp_path: Path) -> None:
    for form, begins in (("html", b"<!DOCTYPE html>"), ("pdf", b"%PDF-")):
        file = tmp_path / f"sheet.{form}"
        assert run("customer", "sheet", "acme", "--format", form, "--to", str(file)).code == 0
        assert file.read_bytes().lower().startswith(begins.lower())
    assert run("customer", "sheet", "nobody").code == 2


def test_a_changed_inventory_is_one_that_loads(run: Run) -> None:
    run("customer", "account", "add", "globex", "globex-news", "--no-push")
    globex = TenantFiles(run.root).load().customer("globex")
    assert globex is not None
    assert globex.logins == ("globex", "globex-news")
