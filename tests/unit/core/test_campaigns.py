"""Reports of campaigns, and when one has to stop."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.adapters import campaign_page
from provisioner.core.bounce_kinds import Kind
from provisioner.core.campaigns import Attempt, Campaign, guarded, provider_of, report, table, too_much
from provisioner.core.suppression import Entry, Reason
from tests.list_server import SERVER

BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)
CAMPAIGN = Campaign("7", "news", "Autumn <b>sale</b>", BEGAN, 200, 4, "news")


def sent(count: int, domain: str = "gmail.com") -> dict[str, Attempt]:
    return {f"reader{number}@{domain}": Attempt("sent", "2.0.0") for number in range(count)}


ATTEMPTS = {
    **sent(150),
    **sent(30, "libero.it"),
    "gone@gmail.com": Attempt("bounced", "5.1.1", "550 5.1.1 no such user"),
    "full@libero.it": Attempt("bounced", "5.2.2", "552 5.2.2 mailbox full"),
    "spam@hotmail.it": Attempt("bounced", "5.7.1", "550 5.7.1 message blocked as spam"),
    "odd@small.example": Attempt("expired", "4.4.1", "connection timed out"),
    "later@small.example": Attempt("deferred", "4.2.1", "try again"),
}
SUPPRESSED = [
    Entry("reader1@gmail.com", Reason.COMPLAINT, BEGAN + timedelta(hours=1)),
    Entry("reader2@gmail.com", Reason.BOUNCE, BEGAN + timedelta(hours=2), "5.1.1"),
    Entry("gone@gmail.com", Reason.BOUNCE, BEGAN + timedelta(seconds=5)),
    Entry("reader3@gmail.com", Reason.BOUNCE, BEGAN - timedelta(days=1)),
    Entry("reader4@gmail.com", Reason.MANUAL, BEGAN + timedelta(hours=1)),
    Entry("nobody@gmail.com", Reason.COMPLAINT, BEGAN + timedelta(hours=1)),
]


def test_a_report_by_provider_and_kind() -> None:
    found = report(CAMPAIGN, ATTEMPTS, SUPPRESSED)
    lines = {line.provider: line for line in found.lines}
    assert [line.provider for line in found.lines][:2] == ["google", "italiaonline"]
    # One that was taken first and came back later has bounced.
    assert (lines["google"].recipients, lines["google"].delivered) == (151, 149)
    assert lines["google"].bounced == {Kind.HARD: 2}
    assert lines["italiaonline"].bounced == {Kind.FULL: 1}
    assert lines["microsoft"].bounced == {Kind.BLOCKED: 1}
    assert (lines["small.example"].deferred, lines["small.example"].bounced) == (1, {Kind.SOFT: 1})
    total = found.total
    assert (total.recipients, total.delivered, total.deferred, total.failed) == (185, 179, 1, 5)
    assert found.complaints == 1
    assert [each.address for each in found.removed] == [
        "reader1@gmail.com", "reader2@gmail.com", "gone@gmail.com",
    ]  # fmt: skip


def test_each_of_two_campaigns_has_its_own_complaints_and_bounces() -> None:
    following = BEGAN + timedelta(days=1)
    first, second = replace(CAMPAIGN, until=following), replace(CAMPAIGN, id="8", started=following)
    got_both = sent(150)
    attempts = got_both | sent(30, "libero.it")
    suppressed = [
        Entry("reader1@gmail.com", Reason.COMPLAINT, following - timedelta(hours=1)),
        Entry("reader2@gmail.com", Reason.COMPLAINT, following + timedelta(hours=1)),
        Entry("reader3@gmail.com", Reason.BOUNCE, following + timedelta(hours=2)),
        Entry("reader4@libero.it", Reason.BOUNCE, following + timedelta(hours=3)),
        Entry("reader5@libero.it", Reason.COMPLAINT, following + timedelta(hours=4)),
    ]
    of_first = report(first, attempts, suppressed, got_both.keys())
    assert [each.address for each in of_first.removed] == [
        "reader1@gmail.com", "reader4@libero.it", "reader5@libero.it",
    ]  # fmt: skip
    assert (of_first.complaints, of_first.total.failed) == (2, 1)
    of_second = report(second, got_both, suppressed)
    assert [each.address for each in of_second.removed] == ["reader2@gmail.com", "reader3@gmail.com"]


def test_a_report_as_a_table() -> None:
    rows = list(csv.DictReader(io.StringIO(table(report(CAMPAIGN, ATTEMPTS, SUPPRESSED)))))
    assert [row["provider"] for row in rows] == [
        "google", "italiaonline", "small.example", "microsoft", "total",
    ]  # fmt: skip
    last = rows[-1]
    assert (last["recipients"], last["delivered"], last["bounced_hard"]) == ("185", "179", "2")
    assert (last["complaints"], last["unsubscribed"], last["removed"]) == ("1", "4", "3")


@pytest.mark.parametrize(("language", "word"), [("en", "Delivered"), ("it", "Consegnati")])
def test_a_report_as_a_page(language: campaign_page.Language, word: str) -> None:
    page = campaign_page.page(report(CAMPAIGN, ATTEMPTS, SUPPRESSED), SERVER, language, BEGAN)
    assert f'<html lang="{language}">' in page
    assert word in page
    assert '<dd data-number="delivered">179</dd>' in page
    assert "<b>sale" not in page
    assert "reader2@gmail.com" in page
    assert "{{" not in page


def test_a_report_of_nothing() -> None:
    found = report(CAMPAIGN, {}, [])
    assert (found.lines, found.bounce_rate, found.complaint_rate) == ((), 0.0, 0.0)
    assert "Nobody." in campaign_page.page(found, SERVER, "en", BEGAN)


def bounced(count: int) -> dict[str, Attempt]:
    return {f"gone{number}@gmail.com": Attempt("bounced", "5.1.1", "no such user") for number in range(count)}


def complained(count: int) -> list[Entry]:
    return [Entry(f"reader{number}@gmail.com", Reason.COMPLAINT, BEGAN) for number in range(count)]


def test_a_campaign_that_bounces_too_much() -> None:
    assert too_much(SERVER, report(CAMPAIGN, sent(190) | bounced(10), [])) == ""
    why = too_much(SERVER, report(CAMPAIGN, sent(189) | bounced(11), []))
    assert why == "11 of 200 recipients bounced (5.5 %, 5 % at most)"
    lenient = SERVER.model_copy(update={"bounce_rate": 6.0})
    assert too_much(lenient, report(CAMPAIGN, sent(189) | bounced(11), [])) == ""


def test_a_campaign_that_annoys_too_many() -> None:
    assert too_much(SERVER, report(CAMPAIGN, sent(1000), complained(3))) == ""
    why = too_much(SERVER, report(CAMPAIGN, sent(1000), complained(4)))
    assert why == "4 of 1,000 readers complained (0.40 %, 0.3 % at most)"


def test_few_prove_nothing() -> None:
    assert too_much(SERVER, report(CAMPAIGN, sent(20) | bounced(20), [])) == ""
    assert too_much(SERVER, report(CAMPAIGN, sent(200), complained(2))) == ""


def test_old_campaigns_are_left_alone() -> None:
    assert guarded([CAMPAIGN], BEGAN + timedelta(days=2)) == [CAMPAIGN]
    assert guarded([CAMPAIGN], BEGAN + timedelta(days=4)) == []


def test_providers_of_mailboxes() -> None:
    assert provider_of("a@GoogleMail.com") == "google"
    assert provider_of("a@small.example") == "small.example"
