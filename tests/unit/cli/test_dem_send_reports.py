"""`dem send-reports`, with hosts in memory."""

from __future__ import annotations

import email
from datetime import timedelta
from email import policy
from email.message import EmailMessage

import pytest

from provisioner.adapters import counters, deliveries
from provisioner.cli import wiring
from provisioner.core.campaigns import Attempt
from provisioner.core.errors import HostsFailed
from tests.fakes import FakePublisher
from tests.unit.cli.dem_world import Hosts, deployed, dns, hosts, made, second
from tests.unit.cli.running import Run
from tests.unit.cli.test_dem_report import attempts, mails

__all__ = ["attempts", "deployed", "dns", "hosts", "made", "mails"]


@pytest.fixture(autouse=True)
def claimed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names that were taken at the counter store."""
    taken: set[str] = set()

    def claim(frontends: object, names: list[str]) -> list[bool]:
        free = [name not in taken for name in names]
        taken.update(names)
        return free

    monkeypatch.setattr(counters, "claim", claim)
    monkeypatch.setattr(counters, "release", lambda frontends, names: taken.difference_update(names))
    return taken


def began(hosts: Hosts, ago: timedelta) -> None:
    hosts.answers["campaigns"][1]["started"] = (wiring.now() - ago).timestamp()


def test_a_campaign_is_reported_once_a_day_after_it_began(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt], mails: list[dict[str, str]]
) -> None:
    for ago in (timedelta(hours=23), timedelta(hours=49)):
        began(hosts, ago)
        assert made("dem", "send-reports").code == 0
    assert mails == []
    began(hosts, timedelta(hours=25))
    looked = made("dem", "send-reports", "--check", "--json").json
    assert isinstance(looked, list)
    assert [each["subject"] for each in looked] == ["Autumn"]
    assert mails == []
    assert "acme: 'Autumn' to postmaster@acme.example: ok" in made("dem", "send-reports").out
    assert made("dem", "send-reports").out == ""
    (mail,) = mails
    assert mail["recipient"] == "postmaster@acme.example"
    message = email.message_from_string(mail["message"], policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body()
    assert text is not None
    assert "Bounced        10 (10.0 %)" in text.get_content()
    page, table = message.iter_attachments()
    assert (page.get_filename(), table.get_filename()) == ("report.html", "report.csv")
    assert "Autumn" in page.get_content()
    assert table.get_content().startswith("provider,recipients")


def test_a_report_in_italian(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt], mails: list[dict[str, str]]
) -> None:
    file = made.root / "customers/acme.yml"
    file.write_text(file.read_text() + "language: it\n")
    began(hosts, timedelta(hours=30))
    assert made("dem", "send-reports").code == 0
    message = email.message_from_string(mails[0]["message"], policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert "resoconto della newsletter" in message["Subject"]
    text = message.get_body()
    assert text is not None
    assert "Respinti       10 (10,0 %)" in text.get_content()


def test_what_was_not_taken_is_sent_by_the_next_run(
    made: Run,
    hosts: Hosts,
    attempts: dict[str, Attempt],
    mails: list[dict[str, str]],
    claimed: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began(hosts, timedelta(hours=25))
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "hand_over", lambda backends, notices: [(451, "later") for _ in notices])
        refused = made("dem", "send-reports")
    assert (refused.code, claimed) == (1, set())

    def away(backends: object, notices: object) -> None:
        raise HostsFailed("no backend answers")

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "hand_over", away)
        lost = made("dem", "send-reports")
    assert (lost.code, claimed) == (3, set())
    assert "Not reported: dem1: no backend answers" in lost.err
    assert made("dem", "send-reports").code == 0
    assert len(mails) == 1


def test_a_server_that_is_silent_keeps_no_other_from_its_report(
    made: Run, hosts: Hosts, attempts: dict[str, Attempt], mails: list[dict[str, str]], dns: FakePublisher
) -> None:
    second(made)
    began(hosts, timedelta(hours=25))
    hosts.failing["dem1", "campaigns"] = HostsFailed("dem1: no answer")
    told = made("dem", "send-reports")
    assert told.code == 3
    assert len(mails) == 1


def test_nobody_is_the_sender(made: Run, hosts: Hosts, attempts: dict[str, Attempt]) -> None:
    assert made("dem", "send-reports").code == 2
