"""Whatever a restore or an upgrade does to the data, it comes back, or is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from provisioner_dem import archives, commands, keeping, locks, notes, outbox
from provisioner_dem.software import Change, DemError, NotBackError, RolledBackError

from tests.unit.dem.keeper import SITE, Host, host

__all__ = ["host"]

LOADED = "mariadb sympa"
STOPPED = "systemctl stop web.socket web.service"


def upgraded(host: Host) -> DemError:
    host.software.breaks = host.software.breaks or "the migration broke"
    with pytest.raises(DemError) as caught:
        host.keeper.upgrade("", "")
    return caught.value


def made(host: Host, version: str = "") -> Path:
    """A backup of what was here before, in a version of the software."""
    now, host.software.installed = host.software.installed, version or host.software.installed
    (host.data / "letter").write_text("then")
    archive = host.backups / "backup.tar"
    host.keeper.backup(archive)
    (host.data / "letter").write_text("now")
    host.software.installed = now
    host.did()
    return archive


def test_a_dump_that_is_not_whole_is_never_loaded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUMP", "1")
    assert "mariadb-dump failed (1)" in str(upgraded(host))
    assert LOADED not in host.did()


def test_after_a_migration_that_broke_the_data_is_as_before(host: Host) -> None:
    assert isinstance(upgraded(host), RolledBackError)
    did = host.did()
    assert did.index(STOPPED) < did.index("systemctl start web.socket")
    dumped = next(number for number, line in enumerate(did) if line.startswith("mariadb-dump"))
    assert did.index(STOPPED) < dumped < did.index(LOADED) < did.index("systemctl start web.socket")
    assert did[did.index(LOADED) + 1] == "all"
    assert list(host.state.iterdir()) == []


def test_an_upgrade_that_does_not_begin_changes_nothing(host: Host) -> None:
    host.software.breaks = "download"
    with pytest.raises(OSError, match="no space"):
        host.keeper.upgrade("", "")
    assert host.did() == []


def test_services_come_back_after_an_upgrade(host: Host) -> None:
    assert host.keeper.upgrade("", "") == Change("3.0", "4.0", 1.0)
    did = host.did()
    assert did[-2:] == ["systemctl start web.service", "systemctl start web.socket"]
    assert LOADED not in did


def test_what_can_not_be_loaded_is_kept(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAD", "1")
    error = upgraded(host)
    assert isinstance(error, NotBackError)
    (kept,) = host.state.glob("before-*.sql")
    assert kept.read_text() == "all\n"
    assert str(kept) in str(error)
    assert "the migration broke" in str(error)
    assert str(kept) in notes.left(host.state)[0]


def test_where_the_software_is_not_back_the_data_is(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*_: object) -> Change:
        raise NotBackError("3.0 could not be installed again")

    upgrade = host.software.upgrade
    monkeypatch.setattr(host.software, "upgrade", lambda *words: (upgrade(*words), stuck()))
    with pytest.raises(NotBackError, match=r"3\.0 could not"):
        host.keeper.upgrade("", "")
    assert LOADED in host.did()
    assert "3.0 could not" in notes.left(host.state)[0]


def test_a_backup_comes_back(host: Host) -> None:
    archive = made(host)
    (host.data / "newer").write_text("goes")
    host.state.joinpath("declarations.jsonl").write_text("said later\n")
    told = host.keeper.restore(archive)
    assert told == {"software": "sympa", "version": "3.0", "subscribers": 12, "held": 0}
    assert [(file.name, file.read_text()) for file in host.data.iterdir()] == [("letter", "then")]
    assert [file.name for file in host.state.iterdir()] == ["declarations.jsonl"]
    assert not outbox.PAUSED.exists()
    did = host.did()
    dumped = next(number for number, line in enumerate(did) if line.startswith("mariadb-dump"))
    assert did.index(STOPPED) < dumped < did.index(LOADED)
    assert "administrator hash of today" in did
    assert "migrate from 3.0" not in did
    assert did[did.index("healthy?") - 1] == "systemctl start web.socket"


def test_a_backup_of_an_older_version_is_migrated(host: Host) -> None:
    host.keeper.restore(made(host, "2.9.11"))
    did = host.did()
    assert did.index(LOADED) < did.index("migrate from 2.9.11") < did.index("administrator hash of today")


def test_a_backup_of_a_newer_version_is_refused(host: Host) -> None:
    archive = made(host, "3.10")
    with pytest.raises(DemError, match=r"is of sympa 3\.10, this host has 3\.0: upgrade it first") as caught:
        host.keeper.restore(archive)
    assert not isinstance(caught.value, RolledBackError)
    assert host.did() == []
    assert (host.data / "letter").read_text() == "now"


def test_a_backup_that_is_not_well_goes_again(host: Host) -> None:
    archive = made(host)
    host.state.joinpath("declarations.jsonl").write_text("said later\n")
    host.software.wrong = "the web site answers 500"
    with pytest.raises(RolledBackError, match="the web site answers 500"):
        host.keeper.restore(archive)
    assert (host.data / "letter").read_text() == "now"
    assert host.did().count(LOADED) == 2
    assert host.state.joinpath("declarations.jsonl").read_text() == "said later\n"
    assert [file.name for file in host.data.parent.glob(".data*")] == []
    assert notes.left(host.state) == []


def test_a_campaign_that_was_under_way_is_held_back(host: Host) -> None:
    archive = made(host)
    host.software.packets = 40
    assert host.keeper.restore(archive)["held"] == 40
    assert "HOLD" in outbox.PAUSED.read_text()
    did = host.did()
    assert did.index("postfix reload") < did.index("systemctl start web.service")


def test_what_was_cut_off_is_told_and_restored(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = made(host)
    kept = host.data.with_name(".data.before-1")
    host.data.rename(kept)
    (host.state / "work-cut").mkdir()
    for name in ("restore", "upgrade"):
        (host.state / f"unfinished-{name}").write_text(f"the {name} did not end")
    assert notes.left(host.state) == ["the restore did not end", "the upgrade did not end"]
    # Nothing runs any more: what begins with the host does again.
    monkeypatch.setenv("ACTIVE", "inactive inactive")
    host.keeper.restore(archive)
    assert (host.data / "letter").read_text() == "then"
    assert not kept.exists()
    assert list(host.state.iterdir()) == []
    assert host.did()[-1] == "systemctl start web.socket"


def test_a_backup_of_another_customer_is_refused(host: Host, tmp_path: Path) -> None:
    archive, data = tmp_path / "other.tar", tmp_path / "member"
    data.write_text("")
    members = {keeping.DATABASE: data, keeping.DATA: data}
    digests = {name: archives.digest(path) for name, path in members.items()}
    manifest = archives.Manifest("sympa", "3.0", "news.globex.example", "2030-01-01T00:00:00Z", digests)
    archives.write(archive, manifest, members)
    with pytest.raises(
        DemError, match=rf"is of sympa at news\.globex\.example, this host has sympa at {SITE}"
    ):
        host.keeper.restore(archive)


def test_nothing_is_kept_or_thrown_away_while_data_is_replaced(host: Host) -> None:
    for number in range(3):
        host.backups.mkdir(exist_ok=True)
        (host.backups / f"provisioner-dem-2030010{number}T030000Z.tar").write_text("good")
    with locks.replacing(), pytest.raises(locks.BusyError):
        host.keeper.daily()
    assert len(list(host.backups.iterdir())) == 3
    with locks.reading():
        with pytest.raises(locks.BusyError):
            host.keeper.restore(host.backups / "provisioner-dem-20300100T030000Z.tar")
        with pytest.raises(locks.BusyError):
            host.keeper.upgrade("", "")
    assert host.did() == []


def test_a_daily_backup_that_failed_is_told_until_one_does_not(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host.keeper.hours(1e9) is None
    monkeypatch.setenv("DUMP", "1")
    with pytest.raises(DemError):
        host.keeper.daily()
    (said,) = notes.left(host.state)
    assert said.startswith("the daily backup of ")
    assert "mariadb-dump failed" in said
    monkeypatch.setenv("DUMP", "0")
    host.keeper.daily()
    assert notes.left(host.state) == []
    (file,) = host.backups.iterdir()
    os.utime(file, (1e9, 1e9))
    assert host.keeper.hours(1e9 + 3 * 3600 + 60) == 3


def test_a_program_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "TIME_LIMIT", 0.1)
    with pytest.raises(DemError, match="sleep was stopped"):
        commands.run(["sleep", "5"])
