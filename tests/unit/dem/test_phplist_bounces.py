"""phpList's count of bounces, in tables as phpList has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from provisioner_dem.phplist_bounces import THRESHOLD, count
from provisioner_dem.returns import Bounce

ANNA = "anna@gmail.test"
TABLES = """
CREATE TABLE phplist_user_user
    (id INTEGER PRIMARY KEY, email, bouncecount INTEGER DEFAULT 0, blacklisted INTEGER DEFAULT 0);
CREATE TABLE phplist_usermessage (messageid, userid, entered, status);
CREATE TABLE phplist_user_message_bounce (id INTEGER PRIMARY KEY, user, message, bounce, time);
CREATE TABLE phplist_bounce (id INTEGER PRIMARY KEY, date, header, data, status, comment);
CREATE TABLE phplist_message (id INTEGER PRIMARY KEY, bouncecount INTEGER DEFAULT 0);
CREATE TABLE phplist_user_blacklist (email UNIQUE, added);
CREATE TABLE phplist_user_blacklist_data (email, name, data);
CREATE TABLE phplist_listuser (userid, listid);
CREATE TABLE phplist_user_user_history (ip, userid, date, summary, detail, systeminfo);
INSERT INTO phplist_user_user (id, email) VALUES (7, 'anna@gmail.test');
INSERT INTO phplist_listuser VALUES (7, 1);
"""
OTHER_WORDS = {
    "%s": "?",
    "NOW()": "datetime()",
    "INSERT IGNORE": "INSERT OR IGNORE",
    "LAST_INSERT_ID()": "last_insert_rowid()",
}


class Tables:
    """Runs what is meant for MariaDB."""

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:")
        self.database.executescript(TABLES)

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        return self._done(query, values).fetchall()

    def change(self, *statements: tuple[str, Sequence[object]]) -> int:
        return sum(self._done(*statement).rowcount for statement in statements)

    def sent(self, campaign: int) -> None:
        day = f"2030-01-{campaign:02}"
        self.change(("INSERT INTO phplist_usermessage VALUES (%s, 7, %s, 'sent')", (campaign, day)))

    def _done(self, query: str, values: Sequence[object]) -> sqlite3.Cursor:
        for word, other in OTHER_WORDS.items():
            query = query.replace(word, other)
        return self.database.execute(query, values)


@pytest.fixture
def tables() -> Tables:
    return Tables()


def came_back(tables: Any, campaign: int | None, kind: str = "full") -> str:
    message = f"X-MessageId: {campaign}\r\n" if campaign else "Subject: undelivered\r\n"
    return count(tables, Bounce(kind, "list", ANNA, "4.2.2"), message.encode())


def test_bounces_in_a_row_end_a_subscription(tables: Tables) -> None:
    said = []
    for campaign in range(1, THRESHOLD + 1):
        tables.sent(campaign)
        said.append(came_back(tables, campaign))
    assert said == ["counted"] * (THRESHOLD - 1) + ["unsubscribed"]
    assert tables.rows("SELECT blacklisted FROM phplist_user_user") == [(1,)]
    assert tables.rows("SELECT * FROM phplist_listuser") == []


def test_one_that_was_delivered_ends_the_row(tables: Tables) -> None:
    for campaign in range(1, 3 * THRESHOLD + 1):
        tables.sent(campaign)
        if campaign % THRESHOLD:
            assert came_back(tables, campaign) == "counted"
    assert tables.rows("SELECT bouncecount, blacklisted FROM phplist_user_user") == [(3 * (THRESHOLD - 1), 0)]
    assert tables.rows("SELECT COUNT(*) FROM phplist_listuser") == [(1,)]


def test_a_bounce_of_no_campaign_is_counted_and_in_no_row(tables: Tables) -> None:
    tables.sent(1)
    assert {came_back(tables, None) for _ in range(2 * THRESHOLD)} == {"counted"}
    assert tables.rows("SELECT bouncecount FROM phplist_user_user") == [(2 * THRESHOLD,)]


def test_the_same_one_twice_is_counted_once(tables: Tables) -> None:
    tables.sent(1)
    assert [came_back(tables, 1), came_back(tables, 1)] == ["counted", "counted before"]


def test_what_has_not_failed_is_not_counted(tables: Tables) -> None:
    tables.sent(1)
    assert came_back(tables, 1, "autoreply") == "not counted"
    assert tables.rows("SELECT bouncecount FROM phplist_user_user") == [(0,)]


def test_a_complaint_ends_a_subscription_at_once(tables: Tables) -> None:
    assert came_back(tables, 1, "complaint") == "unsubscribed"
    assert tables.rows("SELECT data FROM phplist_user_blacklist_data") == [("complaint",)]
