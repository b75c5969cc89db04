"""The test of list servers: against a web site that is served here, with a world in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.adapters.dem_web import DemWeb
from provisioner.core.dem import DemServer
from provisioner.core.findings import Finding, Status, all_good
from provisioner.workflows.dem_check import check
from provisioner.workflows.dem_run import Subject, Tools
from tests.list_server import BOUNCES, SERVER, SITE, WORLD, ListServer, serving


def judged(
    software: ListServer, folder: Path, *, readers: int = 12, address: str = "", server: DemServer = SERVER
) -> dict[str, Finding]:
    def sleep(seconds: float) -> None:
        software.clock += seconds

    subject = Subject(
        server, BOUNCES, "abc123", ("gmail.test", "libero.test"), readers, address, (WORLD,), None, 3
    )
    with serving(software, folder) as (authority, port), DemWeb(SITE, "127.0.0.1", authority, port) as web:
        tools = Tools(software, web, software, software, lambda: software.clock, sleep, lambda _: None)
        found = check(tools, subject)
    assert len({(each.id, each.subject) for each in found}) == len(found)
    return {each.id: each for each in found}


def wrong(found: dict[str, Finding]) -> set[str]:
    return {name for name, each in found.items() if each.status is not Status.PASS}


def test_a_server_that_does_everything_right(tmp_path: Path) -> None:
    software = ListServer()
    found = judged(software, tmp_path)
    assert wrong(found) == set(), [found[name] for name in wrong(found)]
    assert set(found) == {
        *("site", "opt-in", "delivery", "signature", "spf", "dmarc", "tls", "headers", "return-path"),
        *("pacing", "scanner", "one-click", "bounce-rejected", "bounce-full", "bounce-later"),
        *("complaint", "remaining"),
    }
    assert "16 of 16 got it" in found["delivery"].seen
    # Each mail has three links of the site's: the page, the header's, the one in its text.
    asked = "144 requests for links of 16 mails: GET, HEAD, prefetch"
    assert found["scanner"].seen == f"{asked}: 0 subscriptions changed"
    assert software.trapped == []


@pytest.mark.parametrize(
    ("takes", "seen"),
    [
        ({"team"}, "1 of 1 take mail, what is no list does not"),
        (set(), "team@acme.example takes none: 550 5.1.1 unknown"),
        ({"team", "nobody-abc123"}, "nobody-abc123@acme.example takes it"),
        ({"team", "provisioner-check"}, "provisioner-check@acme.example takes it"),
    ],
)
def test_mail_is_taken_for_discussions_alone(tmp_path: Path, takes: set[str], seen: str) -> None:
    software = ListServer(lists={"news", "team"}, takes=takes)
    open_server = SERVER.model_copy(update={"discussions": True})
    found = judged(software, tmp_path, readers=2, server=open_server)["posts"]
    assert found.seen == seen
    assert found.status is (Status.PASS if seen.startswith("1 of 1") else Status.FAIL)


def test_nothing_stays_of_those_who_failed(tmp_path: Path) -> None:
    software = ListServer()
    judged(software, tmp_path)
    assert software.on_list == {}
    assert software.treated == {}
    assert len(software.readers) == 12
    assert all(each.startswith("reader") for each in software.readers)


def test_a_second_run_finds_the_same(tmp_path: Path) -> None:
    software = ListServer()
    judged(software, tmp_path)
    software.clock += 3600
    assert wrong(judged(software, tmp_path)) == set()


def test_links_that_act_when_a_scanner_asks_them(tmp_path: Path) -> None:
    found = judged(ListServer(naive=True), tmp_path)
    assert {"opt-in", "scanner", "remaining"} <= wrong(found)
    assert "GET or HEAD on a link" in found["opt-in"].seen
    assert "16 subscriptions changed" in found["scanner"].seen


@pytest.mark.parametrize(
    ("software", "expected", "seen"),
    [
        (ListServer(covered="subject"), {"headers"}, "does not cover list-unsubscribe"),
        (ListServer(spf="softfail"), {"spf"}, "16 of 16 mails: SPF softfail (16)"),
        (ListServer(loses="reader7@libero.test"), {"delivery"}, "1 lost: reader7@libero.test"),
        (ListServer(forgives_complaints=True), {"complaint", "remaining"}, "subscribed still"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, software: ListServer, expected: set[str], seen: str) -> None:
    found = judged(software, tmp_path)
    assert wrong(found) == expected
    assert seen in found[min(expected)].seen


def test_one_mailbox_alone(tmp_path: Path) -> None:
    software = ListServer()
    found = judged(software, tmp_path, readers=0, address="me@own.example")
    assert wrong(found) == set()
    assert set(found) == {
        *("site", "opt-in", "signature", "spf", "dmarc", "tls", "headers", "return-path", "scanner"),
        "one-click",
    }
    assert software.readers == {}


def test_a_site_that_is_away(tmp_path: Path) -> None:
    software = ListServer()
    tools_with = Subject(SERVER, BOUNCES, "abc123", ("gmail.test",), 3, "", (WORLD,), None, 1)

    def sleep(seconds: float) -> None:
        software.clock += seconds

    with DemWeb(SITE, "127.0.0.1", None, 1) as web:
        tools = Tools(software, web, software, software, lambda: software.clock, sleep, lambda _: None)
        found = check(tools, tools_with)
    assert not all_good(found)
    told = {each.id: each for each in found}
    assert "no answer" in told["site"].seen
    assert "no form to subscribe" in told["opt-in"].seen
    assert told["scanner"].status is Status.UNKNOWN
    assert "had no answer" in told["scanner"].seen
