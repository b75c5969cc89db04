"""Which campaigns a list server's own log tells of."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

from provisioner_dem.campaigns import Campaign, log_lines, logged, with_departures

NOON = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
SUBJECT = "=?utf-8?q?Perch=C3=A9_no=3F_Novembre_e_dicembre_sono_mesi_buoni?=? =?utf-8?q?_per_leggere?="


def message(
    queue_id: str, *, identity: str = "1@news", at: str = "12:00:05", mark: str = "info",
    date: str = "Nov 23", path: str = "news",
) -> list[str]:  # fmt: skip
    head = f"{date} {at} dem1 postfix"
    envelope = "from local; from=<x@acme.example> to=<anna@gmail.test>"
    sender = f"from=<acme-dem.{path}.8f3a01c2+anna=gmail.test@bounce.operator.example>, size=20, nrcpt=1"
    return [
        f"{head}/pickup[9]: {queue_id}: uid=107 from=<news-owner@acme.example>",
        f"{head}/cleanup[10]: {queue_id}: message-id=<{identity}>",
        f"{head}/cleanup[10]: {queue_id}: info: header Subject: {SUBJECT} {envelope}",
        *(
            [f"{head}/cleanup[10]: {queue_id}: {mark}: header List-Unsubscribe-Post: One-Click {envelope}"]
            if mark
            else []
        ),
        f"{head}/qmgr[11]: {queue_id}: {sender} (queue active)",
        f"{head}/qmgr[11]: {queue_id}: {sender} (queue active)",
    ]


def test_messages_of_one_identity_are_a_campaign() -> None:
    lines = [*message("4a1"), *message("4a2", at="12:00:09"), *message("4a3", identity="2@news", mark="hold")]
    first, second = logged(lines, NOON + 60)
    assert first.subject == "Perché no? Novembre e dicembre sono mesi buoni per leggere"
    assert (first.id, first.list, first.path, first.recipients) == ("1@news", "news", "news", 2)
    assert (first.started, second.id) == (NOON + 5, "2@news")


def test_what_nobody_can_unsubscribe_from_is_none() -> None:
    assert logged([*message("4a1", mark=""), "no line of Postfix's\n"], NOON) == []


def test_a_date_is_never_in_the_future() -> None:
    (found,) = logged(message("4a1", date="Dec 31", at="23:59:59"), NOON)
    assert time.localtime(found.started)[:3] == (2025, 12, 31)


def test_who_leaves_counts_for_the_campaign_before() -> None:
    def campaign(name: str, at: float, of: str = "news") -> Campaign:
        return Campaign(name, of, of, "x", at, 10)

    campaigns = [campaign("a", 100), campaign("b", 200), campaign("c", 150, "other")]
    left = [("news", 50.0), ("news", 120.0), ("news", 250.0), ("news", 251.0), ("other", 199.0), ("", 160.0)]
    found = with_departures(campaigns, left)
    assert [each.unsubscribed for each in found] == [1, 2, 2]


def test_rotated_logs_come_first(tmp_path: Path) -> None:
    log = tmp_path / "postfix.log"
    log.write_text("3\n")
    (tmp_path / "postfix.log.1").write_text("2\n")
    (tmp_path / "postfix.log.2.gz").write_bytes(gzip.compress(b"1\n"))
    assert list(log_lines(log)) == ["1\n", "2\n", "3\n"]
