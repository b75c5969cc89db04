"""The software's adaptors, without the software."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from provisioner_dem import debian
from provisioner_dem.campaigns import Campaign
from provisioner_dem.software import DemError, NotBackError

from tests.unit.dem.test_letters import SETTINGS


@pytest.fixture
def adaptors(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """phpList's and Sympa's modules; what speaks to MariaDB is on list servers alone."""
    monkeypatch.setitem(sys.modules, "pymysql", ModuleType("pymysql"))
    from provisioner_dem import phplist, sympa  # noqa: PLC0415

    return phplist, sympa


@pytest.fixture
def site(adaptors: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """phpList 3.6.15, and 3.6.16 laid out beside it; what is done stands in `did`."""
    phplist = adaptors[0]
    paths = {"ROOT": tmp_path, "RELEASES": tmp_path / "releases", "CURRENT": tmp_path / "current"}
    for name, path in (*paths.items(), ("DATA", tmp_path / "data"), ("SERVED", tmp_path / "served")):
        monkeypatch.setattr(phplist, name, path)
    for version in ("3.6.15", "3.6.16"):
        (tmp_path / "releases" / version / "public_html").mkdir(parents=True)
    (tmp_path / "current").symlink_to(tmp_path / "releases/3.6.15")
    (tmp_path / "served").write_text("old")
    monkeypatch.setattr(phplist.releases, "unpack", lambda *_: tmp_path / "releases/3.6.16")
    found = phplist.PhpList(SETTINGS)
    found.did = did = []
    monkeypatch.setattr(debian, "services", lambda *words: did.append(" ".join(words)))
    monkeypatch.setattr(phplist.PhpList, "command", lambda _, page: did.append(page))
    monkeypatch.setattr(phplist.PhpList, "healthy", lambda _: found.wrong)
    found.wrong, found.served = "", tmp_path / "served"
    return found


def test_an_upgrade_of_phplist_wakes_the_site_alone(site: Any) -> None:
    change = site.upgrade("phplist.tgz", "new", lambda: site.did.append("still"))
    assert (change.before, change.after) == ("3.6.15", "3.6.16")
    # Its queue is for the caller to start: it would send, and what it sent could not be taken back.
    assert site.did == ["still", "upgrade", "start php8.4-fpm.service"]
    assert (site.version(), site.served.read_text()) == ("3.6.16", "new")


def test_phplist_goes_back_whatever_fails(site: Any) -> None:
    site.wrong = "the web site answers 500"
    with pytest.raises(DemError, match="answers 500"):
        site.upgrade("phplist.tgz", "new", lambda: None)
    assert (site.version(), site.served.read_text()) == ("3.6.15", "old")
    site.wrong = ""
    site.served.unlink()
    site.served.mkdir()  # it can't be written
    (site.served.parent / "releases/3.6.16/public_html").mkdir(parents=True)
    with pytest.raises(OSError, match="served"):
        site.upgrade("phplist.tgz", "new", lambda: None)
    assert site.version() == "3.6.15"


def test_phplist_that_can_not_go_back_is_told(
    site: Any, adaptors: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.wrong = "the web site answers 500"
    switch = adaptors[0]._switch

    def only_forth(release: Path) -> None:
        if release.name == "3.6.15":
            raise OSError("no space left")
        switch(release)

    monkeypatch.setattr(adaptors[0], "_switch", only_forth)
    with pytest.raises(NotBackError, match=r"no space left: phpList 3\.6\.16 is served"):
        site.upgrade("phplist.tgz", "new", lambda: None)


def test_nothing_wakes_what_stands_still(adaptors: tuple[Any, Any]) -> None:
    phplist, sympa = adaptors
    stopped = sympa.Sympa.services
    for socket in ("wwsympa.socket", "provisioner-dem-oneclick.socket"):
        assert stopped.index(socket) < stopped.index(socket.replace(".socket", ".service"))
    assert set(sympa.Sympa.web) < set(stopped)
    assert not {unit for unit in sympa.Sympa.web if unit.startswith("sympa")}
    timer = phplist.PhpList.services
    assert timer.index("provisioner-dem-queue.timer") < timer.index("provisioner-dem-queue.service")


def test_sympa_migrates_from_its_own_version_and_not_debians(
    adaptors: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sympa, ran = adaptors[1], []
    monkeypatch.setattr(sympa, "run", lambda argv, user="": ran.append((argv, user)))
    sympa.Sympa(SETTINGS).migrate("6.2.70~dfsg-2+deb12u2")
    assert ran == [(["sympa", "upgrade", "--from=6.2.70"], "sympa")]
    with pytest.raises(DemError, match="no version"):
        sympa.Sympa(SETTINGS).migrate("")


@pytest.fixture
def lists(adaptors: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sympa with a newsletter, a discussion, and a discussion that was closed."""
    sympa = adaptors[1]
    monkeypatch.setattr(sympa, "DATA", tmp_path)
    for name, send, status in (
        ("news", "newsletter", "open"),
        ("team", "discussion", "open"),
        ("past", "discussion", "closed"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config").write_text(f"subject {name}\n\nstatus {status}\n\nsend {send}\n")
    found = sympa.Sympa(SETTINGS)
    monkeypatch.setattr(found.store, "rows", lambda query, _: [("news", 3)] if "COUNT" in query else [])
    return found


def test_members_write_to_discussions_that_are_open(lists: Any) -> None:
    assert [(each.name, each.subscribers, each.discussion) for each in lists.lists()] == [
        ("news", 3, False),
        ("team", 0, True),
    ]
    assert lists.discussions() == ["team"]


def test_what_goes_to_many_is_a_campaign_on_any_list(
    lists: Any, adaptors: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [("news", 2), ("team", 2), ("team", 100)]
    logged = [Campaign(f"{name}{many}", name, name, "x", 1.0, many) for name, many in sent]
    monkeypatch.setattr(adaptors[1].campaigns, "logged", lambda *_: logged)
    assert [each.id for each in lists.campaigns()] == ["news2", "team100"]


def test_a_discussion_is_made_where_its_domain_takes_mail(lists: Any) -> None:
    lists.settings = replace(SETTINGS, discussions=False)
    with pytest.raises(DemError, match="dem_discussions is not set"):
        lists.create_list("club", "Club", "en", discussion=True)
