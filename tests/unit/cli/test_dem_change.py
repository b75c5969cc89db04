"""`dem upgrade|backup|restore|remove|resize|check`: list servers that grow, are kept safe, and go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from provisioner.adapters.dem_files import DemFiles
from provisioner.adapters.inventory_files import load
from provisioner.cli import dem_check
from provisioner.core.errors import CheckFailed
from provisioner.core.findings import Finding, Status
from provisioner.core.publishing import PublishResult, PublishStatus
from provisioner.core.records import Record
from tests import samples
from tests.fakes import FakePublisher
from tests.unit.cli.dem_world import ARCHIVE, CREATE, FLEET, Hosts, deployed, dns, hosts, made, second
from tests.unit.cli.running import Run

__all__ = ["deployed", "dns", "hosts", "made"]


def test_an_upgrade(made: Run, hosts: Hosts) -> None:
    told = made("dem", "upgrade", "acme", "--json").json
    assert told == {
        "upgraded": [
            {"customer": "acme", "host": "dem1", "before": "6.2.74", "now": "6.2.76", "downtime_seconds": 4.2,
             "error": ""}
        ],
        "left": [],
    }  # fmt: skip
    assert ("dem1", "upgrade", {}) in hosts.asked


def test_an_upgrade_of_all_stops_at_the_first_that_fails(made: Run, hosts: Hosts) -> None:
    second(made)
    hosts.failing["dem1", "upgrade"] = CheckFailed("dem1: upgrade: the migration broke")
    hosts.asked.clear()
    told = made("dem", "upgrade", "--all")
    assert told.code == 1
    assert "Error: dem1: upgrade: the migration broke; not begun: dem2" in told.err
    assert not [each for each in hosts.asked if each[0] == "dem2"]
    assert "the migration broke" in told.out
    del hosts.failing["dem1", "upgrade"]
    hosts.asked.clear()
    assert made("dem", "upgrade", "--all").code == 0
    assert [host for host, verb, _ in hosts.asked if verb == "upgrade"] == ["dem1", "dem2"]


def test_an_upgrade_with_an_archive(
    run: Run,
    hosts: Hosts,
    deployed: list[tuple[str, str]],
    dns: FakePublisher,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("archives")
    sums = {}
    for name in ("old.tar.gz", "new.tar.gz"):
        (folder / name).write_bytes(name.encode())
        sums[name] = hashlib.sha256(name.encode()).hexdigest()
    wanted = (
        "--software",
        "phplist",
        "--archive",
        str(folder / "old.tar.gz"),
        "--sha256",
        sums["old.tar.gz"],
    )
    assert "  login     admin\n" in run(*CREATE, *FLEET, *wanted).out
    assert run("dem", "upgrade", "acme").code == 2
    to = ("--archive", str(folder / "new.tar.gz"))
    assert run("dem", "upgrade", "acme", *to, "--sha256", sums["old.tar.gz"]).code == 2
    assert run("dem", "upgrade", "acme", *to, "--sha256", sums["new.tar.gz"]).code == 0
    question = {"archive": "/root/transfer.tar.gz", "sha256": sums["new.tar.gz"]}
    assert ("dem1", "upgrade", question) in hosts.asked
    (server,) = load(run.root).dem
    assert (server.archive, server.archive_sha256) == (str(folder / "new.tar.gz"), sums["new.tar.gz"])


def test_a_backup_goes_to_a_folder_and_back(
    made: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    kept = made("dem", "backup", "acme", "--to", str(folder), "--json").json
    assert isinstance(kept, dict)
    archive = Path(kept["place"])
    assert (archive.parent, archive.read_bytes()) == (folder, ARCHIVE)
    assert {each.name for each in folder.iterdir()} == {archive.name, f"{archive.name}.sha256"}
    assert made("dem", "restore", "acme", str(archive), "--check").code == 0
    told = made("dem", "restore", "acme", str(archive), "--yes")
    assert told.code == 0, told.err
    assert "12 subscribers" in told.out
    assert "held back" not in told.out
    hosts.answers["restore"]["held"] = 40
    assert "Campaigns are held back" in made("dem", "restore", "acme", str(archive), "--yes").out


def test_a_damaged_backup_is_not_restored(
    made: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    kept = made("dem", "backup", "acme", "--to", str(folder), "--json").json
    assert isinstance(kept, dict)
    Path(kept["place"]).write_bytes(ARCHIVE[:-1])
    hosts.asked.clear()
    told = made("dem", "restore", "acme", kept["place"], "--yes")
    assert (told.code, "is damaged" in told.err) == (2, True)
    assert hosts.asked == []


def test_a_backup_that_comes_damaged_is_none(
    made: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    hosts.damaged = True
    assert made("dem", "backup", "acme", "--to", str(folder)).code == 1
    assert list(folder.iterdir()) == []


def test_a_list_server_is_removed_with_a_last_backup(
    made: Run, hosts: Hosts, dns: FakePublisher, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    before = samples.snapshot(made.root)
    assert made("dem", "remove", "acme", "--yes").code == 2
    hosts.failing["dem1", "backup"] = CheckFailed("no space left")
    assert made("dem", "remove", "acme", "--yes", "--to", str(folder)).code == 1
    assert samples.snapshot(made.root) == before
    del hosts.failing["dem1", "backup"]
    told = made("dem", "remove", "acme", "--yes", "--to", str(folder))
    assert told.code == 0, told.err
    assert len(list(folder.iterdir())) == 2
    inventory = load(made.root)
    customer = inventory.customer("acme")
    assert customer is not None
    assert (inventory.dem, inventory.host("dem1"), customer.logins) == ((), None, ("acme-shop", "acme-web"))
    assert not (made.root / "host_vars/dem1").exists()
    assert (made.root / "hosts.yml").read_text() == f"{samples.HOSTS}    dem: {{}}\n"
    assert b"acme-dem" not in made.push.bundles[-1].frontend["passwd"]
    assert dns.records == []
    assert "take it away on your platform" in told.out


def test_a_removal_that_stopped_at_dns_goes_on(
    made: Run, dns: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, names = samples.snapshot(made.root), list(dns.records)
    assert {each.name for each in names} >= {"news.acme.example"}

    def silent(records: Sequence[Record]) -> list[PublishResult]:
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.FAILED, "no answer") for r in records]

    remove = ("dem", "remove", "acme", "--yes", "--no-backup")
    with monkeypatch.context() as patch:
        patch.setattr(dns, "withdraw", silent)
        told = made(*remove)
    assert (told.code, "news.acme.example A: no answer" in told.err) == (3, True)
    assert (samples.snapshot(made.root), dns.records) == (before, names)
    assert made(*remove).code == 0
    assert (load(made.root).dem, dns.records) == ((), [])


def test_names_in_somebody_elses_zone_keep_no_server(
    made: Run, dns: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(records: Sequence[Record]) -> list[PublishResult]:
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.NOT_OURS, "not here") for r in records]

    monkeypatch.setattr(dns, "withdraw", elsewhere)
    told = made("dem", "remove", "acme", "--yes", "--no-backup")
    assert (told.code, load(made.root).dem) == (0, ())
    assert "news.acme.example A stays, for whoever has its zone" in told.err


def test_a_customer_with_a_list_server_stays(made: Run) -> None:
    refused = made("customer", "remove", "acme", "--yes")
    assert (refused.code, "dem remove acme" in refused.err) == (2, True)
    refused = made("customer", "rotate-password", "acme", "--login", "acme-dem")
    assert (refused.code, "dem_secrets.yml" in refused.err) == (2, True)


def test_a_platform_that_is_not_ours_resizes_itself(made: Run) -> None:
    refused = made("dem", "resize", "acme", "--memory", "2g")
    assert (refused.code, "only that can make it larger" in refused.err) == (2, True)


def test_a_test_outside_a_lab_needs_a_mailbox(made: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    refused = made("dem", "check", "acme")
    assert (refused.code, "--maildir FOLDER" in refused.err) == (2, True)
    folder = tmp_path_factory.mktemp("mail")
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir()
    refused = made("dem", "check", "acme", "--maildir", str(folder), "--address", "nobody")
    assert (refused.code, "--address" in refused.err) == (2, True)


def test_what_a_test_finds_is_shown_and_counts(made: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("scanner", "news.acme.example", Status.PASS, "0 subscriptions changed")]
    monkeypatch.setattr(dem_check, "judged", lambda *_: tuple(found))
    assert made("dem", "check", "acme").code == 0
    found.append(
        Finding("complaint", "a@b.example", Status.FAIL, "subscribed still", expected="unsubscribed")
    )
    told = made("dem", "check", "acme", "--json")
    assert told.code == 1
    assert [each["status"] for each in json.loads(told.out)] == ["pass", "fail"]
    assert "Not right: complaint" in told.err


def test_a_server_that_is_not_well_is_told_of(made: Run, hosts: Hosts) -> None:
    hosts.answers["status"]["wrong"] = "the web site answers 502"
    told = made("dem", "list")
    assert told.code == 1
    assert "dem1: the web site answers 502" in told.err
    assert "the web site answers 502" in made("dem", "show", "acme").out


def test_a_lab_says_what_it_would_give(made: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DemFiles, "is_lab", True)
    asked = ("dem", "resize", "acme", "--memory", "2g", "--check")
    assert made(*asked).out == "dem1 would have memory 2g\n"
    assert made(*asked, "--json").json == {"host": "dem1", "memory": "2g", "cpus": None, "changed": False}
    assert made("dem", "resize", "acme").code == 2
    for memory in ("much", "1m", "511m"):
        assert made("dem", "resize", "acme", "--memory", memory, "--check").code == 2
