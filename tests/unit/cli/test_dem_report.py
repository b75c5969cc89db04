"""`dem report` and `dem guard`, with hosts in memory."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.adapters import campaigns, deliveries, suppressions
from provisioner.cli import wiring
from provisioner.core.campaigns import Attempt
from provisioner.core.errors import HostsFailed
from provisioner.core.suppression import Entry, Reason
from tests.fakes import FakePublisher
from tests.unit.cli.dem_world import Hosts, deployed, dns, hosts, made, second
from tests.unit.cli.running import Run

__all__ = ["deployed", "dns", "hosts", "made"]


@pytest.fixture
def attempts(made: Run, hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> dict[str, Attempt]:
    """A campaign that 90 of 100 recipients got; what became of each."""
    began = wiring.now().timestamp() - 3600
    hosts.answers["campaigns"] = [
        {
            "id": "6",
            "list": "news",
            "path": "news",
            "subject": "Summer",
            "started": began - 90 * 86400,
            "recipients": 9,
        },
        {
            "id": "7",
            "list": "news",
            "path": "news",
            "subject": "Autumn",
            "started": began,
            "recipients": 100,
            "unsubscribed": 2,
        },
    ]
    hosts.answers["pause"] = {}
    found = {f"r{number}@gmail.com": Attempt("sent", "2.0.0") for number in range(90)}
    found |= {f"gone{number}@libero.it": Attempt("bounced", "5.1.1", "no such user") for number in range(10)}
    monkeypatch.setattr(
        campaigns, "attempts", lambda backends, server, campaign: found if campaign.until is None else {}
    )
    monkeypatch.setattr(suppressions, "every", lambda frontends, customer: [])
    return found


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch, made: Run) -> list[dict[str, str]]:
    """The mails that were handed over."""
    settings = made.root / "group_vars/all/fleet.yml"
    settings.write_text(settings.read_text() + "fleet_notices_from: support@globex.example\n")
    given: list[dict[str, str]] = []

    def hand_over(backends: object, notices: list[dict[str, str]]) -> list[tuple[int, str]]:
        given.extend(notices)
        return [(250, "ok") for _ in notices]

    monkeypatch.setattr(deliveries, "hand_over", hand_over)
    return given


def test_the_newest_campaign_is_told(made: Run, attempts: dict[str, Attempt], tmp_path_factory: Any) -> None:
    folder: Path = tmp_path_factory.mktemp("reports")
    told = made("dem", "report", "acme", "--html", str(folder / "r.html"), "--csv", str(folder / "r.csv"))
    assert told.code == 0, told.err
    assert "Autumn (7), to news" in told.out
    assert "0 complaints, 2 unsubscribed" in told.out
    assert "Autumn" in (folder / "r.html").read_text()
    assert (folder / "r.csv").read_text().startswith("provider,recipients")
    facts = made("dem", "report", "acme", "7", "--json").json
    assert isinstance(facts, dict)
    assert facts["bounce_rate"] == 10.0
    assert facts["providers"]["italiaonline"]["bounced"]["hard"] == 10
    listed = made("dem", "report", "acme", "--list", "--json").json
    assert isinstance(listed, list)
    assert [each["id"] for each in listed] == ["7", "6"]
    assert made("dem", "report", "acme", "8").code == 2


def test_what_comes_after_the_next_campaign_began_is_not_the_first_ones(
    made: Run, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = wiring.now() - timedelta(days=2)
    next_began = began + timedelta(days=1)
    hosts.answers["campaigns"] = [
        {
            "id": each,
            "list": "news",
            "path": "news",
            "subject": each,
            "started": at.timestamp(),
            "recipients": 2,
        }
        for each, at in (("1", began), ("2", next_began))
    ]
    got = {began: ["anna@gmail.com", "bob@gmail.com"], next_began: ["anna@gmail.com"]}
    monkeypatch.setattr(
        campaigns,
        "attempts",
        lambda backends, server, campaign: {each: Attempt("sent") for each in got[campaign.started]},
    )
    complained = [
        Entry(each, Reason.COMPLAINT, next_began + timedelta(hours=1))
        for each in ("anna@gmail.com", "bob@gmail.com")
    ]
    monkeypatch.setattr(suppressions, "every", lambda frontends, customer: complained)
    for campaign, whose in (("1", "bob@gmail.com"), ("2", "anna@gmail.com")):
        facts = made("dem", "report", "acme", campaign, "--json").json
        assert isinstance(facts, dict)
        assert [each["address"] for each in facts["removed"]] == [whose]


def test_a_campaign_that_bounces_is_paused_and_told(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt], mails: list[dict[str, str]]
) -> None:
    hosts.asked.clear()
    assert made("dem", "guard", "--check").code == 0
    assert not [each for each in hosts.asked if each[1] == "pause"]
    told = made("dem", "guard")
    assert told.code == 1
    assert "10 of 100 recipients bounced (10.0 %, 5 % at most)" in told.out
    (pause,) = [each for each in hosts.asked if each[1] == "pause"]
    assert "10 of 100" in pause[2]["reason"]
    assert [each["recipient"] for each in mails] == ["hostmaster@mailbox.test", "postmaster@acme.example"]
    assert "is paused" in mails[0]["message"]
    hosts.answers["status"]["paused"] = True
    assert made("dem", "guard").code == 0
    assert len(mails) == 2


def test_what_somebody_let_go_is_paused_no_more(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt], mails: list[dict[str, str]]
) -> None:
    hosts.answers["status"]["resumed"] = wiring.now().timestamp()
    assert made("dem", "guard").code == 0
    assert mails == []


def test_campaigns_are_paused_and_go_on_by_hand(made: Run, hosts: Hosts) -> None:
    hosts.answers |= {"pause": {}, "resume": {}}
    hosts.asked.clear()
    assert "would be held back" in made("dem", "pause", "acme", "--reason", "asked to", "--check").out
    assert [verb for _, verb, _ in hosts.asked] == ["status"]
    assert "campaigns are held back" in made("dem", "pause", "acme", "--reason", "asked to").out
    assert hosts.asked[-1] == ("dem1", "pause", {"reason": "asked to"})
    hosts.answers["status"]["paused"] = True
    assert made("dem", "resume", "acme", "--reason", "clear").out == "dem1: campaigns go on\n"
    assert hosts.asked[-1] == ("dem1", "resume", {"reason": "clear"})
    assert made("dem", "resume", "acme").code == 2
    assert made("dem", "resume", "acme", "--reason", " ").code == 2


def test_a_campaign_is_paused_when_no_backend_takes_the_letter(
    made: Run,
    hosts: Hosts,
    attempts: dict[str, Attempt],
    mails: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(backends: object, notices: object) -> None:
        raise HostsFailed("no backend answers")

    monkeypatch.setattr(deliveries, "hand_over", away)
    told = made("dem", "guard")
    assert told.code == 1
    assert "Nobody was written to: no backend answers" in told.err
    assert [each for each in hosts.asked if each[1] == "pause"]


def test_a_campaign_that_is_well_goes_on(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt], mails: list[dict[str, str]]
) -> None:
    for number in range(6):
        del attempts[f"gone{number}@libero.it"]
    attempts |= {f"s{number}@gmail.com": Attempt("sent", "2.0.0") for number in range(6)}
    assert made("dem", "guard").code == 0
    assert mails == []


def test_a_server_that_is_silent_does_not_keep_others_unguarded(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt], mails: list[dict[str, str]], dns: FakePublisher
) -> None:
    second(made)
    hosts.failing["dem1", "status"] = HostsFailed("dem1: no answer")
    told = made("dem", "guard")
    assert told.code == 3
    assert "Not looked at: dem1" in told.err
    assert [each[0] for each in hosts.asked if each[1] == "pause"] == ["dem2"]


def test_who_can_not_be_written_to_is_paused_all_the_same(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt]
) -> None:
    told = made("dem", "guard")
    assert told.code == 1
    assert "Nobody was written to" in told.err
    assert "told nobody" in told.out
    assert [each for each in hosts.asked if each[1] == "pause"]
