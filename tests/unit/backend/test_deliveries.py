"""The ledger that a backend makes of Postfix's log."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest
from provisioner_deliveries import KEPT, SENDERS, Ledger, lines, main

NOON = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))


def log(
    queue_id: str, login: str, at: str, recipients: int, *status: str, sender: str = "b@a.example"
) -> bytes:
    """The lines of a message: its end only when every recipient has one."""
    host = f"Nov 23 {at} be1 postfix"
    found = [
        f"{host}/customers/cleanup[10]: {queue_id}: info: header X-Provisioner-Account: {login} from "
        f"unknown[203.0.113.9]; from=<{sender}> to=<r0@gmail.test> proto=ESMTP helo=<h>",
        f"{host}/customers/cleanup[10]: {queue_id}: message-id=<m@a.example>",
        f"{host}/qmgr[11]: {queue_id}: from=<{sender}>, size=2094, nrcpt={recipients} (queue active)",
    ]
    found += [
        f"{host}/google/smtp[12]: {queue_id}: to=<r{n}@gmail.test>, relay=mx.gmail.test[192.0.2.1]:25, "
        f"delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status={each} (250 2.0.0 Ok, status=sent)"
        for n, each in enumerate(status)
    ]
    if len([each for each in status if each != "deferred"]) == recipients:
        found.append(f"{host}/qmgr[11]: {queue_id}: removed")
    return "".join(f"{line}\n" for line in found).encode()


def told(
    text: bytes, since: float = NOON - 86_400, now: float = NOON + 7_200
) -> dict[str, dict[str, dict[str, object]]]:
    ledger = Ledger(since, now)
    for line in text.splitlines(keepends=True):
        ledger.line(line)
    found: dict[str, dict[str, dict[str, object]]] = json.loads(json.dumps(ledger.told()))["logins"]
    return found


def test_recipients_are_counted_where_their_message_was_taken() -> None:
    text = (
        log("4a1", "acme", "12:00:01", 2, "sent", "bounced")
        + log("4a2", "acme", "12:14:59", 3, "deferred", "sent")
        + log("4a3", "globex", "12:15:00", 1, "expired")
    )
    again = b"Nov 23 13:10:00 be1 postfix/qmgr[11]: 4a2: from=<b@a.example>, size=9, nrcpt=2 (queue active)\n"
    late = again.replace(
        b"qmgr[11]: 4a2: from=<b@a.example>, size=9, nrcpt=2 (queue active)",
        b"smtp[12]: 4a2: to=<r0@gmail.test>, relay=x, delay=1, delays=0, dsn=2.0.0, status=sent (250 ok)",
    )
    found = told(text + again + late)
    assert found["acme"]["quarters"] == {str(int(NOON)): [5, 3, 1, 0]}
    assert found["globex"]["quarters"] == {str(int(NOON) + 900): [1, 0, 1, 0]}
    assert found["acme"]["senders"] == {"b@a.example": 2}


def session(queue_id: str, said: str, pid: int = 9) -> tuple[bytes, bytes]:
    """The first and the last line of the connection that a message comes over."""
    smtpd, who = f"Nov 23 12:00:01 be1 postfix/handover/smtpd[{pid}]", "unknown[192.0.2.9]"
    commands = f"ehlo=1 xforward=1 {said} data=1 quit=1 commands=9"
    return (
        f"{smtpd}: {queue_id}: client={who}\n".encode(),
        f"{smtpd}: disconnect from {who} {commands}\n".encode(),
    )


@pytest.mark.parametrize("ends", ["before", "during", "after"])
def test_a_recipient_that_is_named_again_is_told_apart(ends: str) -> None:
    """However late the queue manager has the message, or however soon it is delivered."""
    begins, end = session("4a5", "mail=1 rcpt=10")
    *head, taken, sent, removed = log("4a5", "acme", "12:00:01", 1, "sent").splitlines(keepends=True)
    way = {
        "before": [begins, *head, end, taken, sent, removed],
        "during": [begins, *head, taken, end, sent, removed],
        "after": [begins, *head, taken, sent, removed, end],
    }
    assert told(b"".join(way[ends]))["acme"]["quarters"] == {str(int(NOON)): [1, 1, 0, 9]}


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("mail=1 rcpt=3", 0),
        ("mail=1 rcpt=5", 2),
        ("mail=1 rcpt=5/7", 2),
        ("mail=1 rcpt=2", 0),
        ("mail=2 rcpt=9", 0),
        ("mail=1/2 rcpt=9", 0),
        ("mail=1", 0),
    ],
)
def test_only_what_was_taken_for_one_message_is_compared(said: str, repeated: int) -> None:
    begins, end = session("4a6", said)
    text = begins + log("4a6", "acme", "12:00:01", 3, "sent") + end
    assert told(text)["acme"]["quarters"] == {str(int(NOON)): [3, 1, 0, repeated]}


def test_connections_at_the_same_time_are_told_apart() -> None:
    one, other = session("4a7", "mail=1 rcpt=4", 7), session("4a8", "mail=1 rcpt=2", 8)
    one_log, other_log = log("4a7", "acme", "12:00:01", 1), log("4a8", "globex", "12:00:01", 1)
    found = told(one[0] + other[0] + one_log + other_log + other[1] + one[1])
    assert [found[login]["quarters"] for login in ("acme", "globex")] == [
        {str(int(NOON)): [1, 0, 0, 3]},
        {str(int(NOON)): [1, 0, 0, 1]},
    ]


def test_of_what_was_refused_in_the_end_nothing_is_told() -> None:
    begins, end = session("4a9", "mail=1 rcpt=4")
    head = b"".join(log("4a9", "acme", "12:00:01", 1).splitlines(keepends=True)[:2])
    refused = b"Nov 23 12:00:01 be1 postfix/customers/cleanup[1]: 4a9: milter-reject: END-OF-MESSAGE from x\n"
    assert told(begins + head + refused + end) == {}


def test_who_bounced_is_told_with_the_reason() -> None:
    text = log("4c1", "acme", "12:00:01", 3, "sent", "bounced", "expired")
    gone = (
        b"dsn=5.1.1, status=bounced (host mx.test[192.0.2.1] said: 550 5.1.1 <r1@gmail.test>: no (such) user)"
    )
    text = text.replace(b"dsn=2.0.0, status=bounced (250 2.0.0 Ok, status=sent)", gone)
    assert told(text)["acme"]["bounced"] == {
        "r1@gmail.test": [
            "5.1.1",
            "host mx.test[192.0.2.1] said: 550 5.1.1 <r1@gmail.test>: no (such) user",
            NOON,
        ]
    }


def test_what_is_nobodys_or_older_is_left_out() -> None:
    dsn = log("4b1", "acme", "12:00:00", 1, "sent").splitlines(keepends=True)[1:]
    begun = log("4b2", "acme", "12:00:00", 1).splitlines(keepends=True)[:2]
    end = b"Nov 23 12:00:00 be1 postfix/customers/cleanup[1]: 4b2: milter-reject: END-OF-MESSAGE from x\n"
    notice = log("4b4", "acme", "12:00:00", 1, "sent").replace(b"203.0.113.9", b"127.0.0.1")
    assert told(b"".join([*dsn, *begun, end, notice])) == {}
    assert told(log("4b3", "acme", "11:59:59", 1, "sent"), since=NOON) == {}
    assert told(b"\nnot a line of Postfix at all\nNov 23 12:00:00 be1 x[1]: a: b\n") == {}


def test_only_the_frontends_own_header_counts() -> None:
    one, *rest = log("4c1", "acme", "12:00:00", 1, "sent").splitlines(keepends=True)
    assert list(told(b"".join([one, one.replace(b"acme", b"globex"), *rest]))) == ["acme"]


@pytest.mark.parametrize(("now", "year"), [((2027, 1, 2), 2026), ((2026, 12, 31), 2026)])
def test_a_time_without_a_year_is_the_latest_that_has_been(now: tuple[int, int, int], year: int) -> None:
    moment = time.mktime((*now, 1, 0, 0, 0, 0, -1))
    text = log("4d1", "acme", "12:00:00", 1, "sent").replace(b"Nov 23", b"Dec 30")
    found = told(text, since=0, now=moment)["acme"]["quarters"]
    assert list(found) == [str(int(time.mktime((year, 12, 30, 12, 0, 0, 0, 0, -1))))]


def test_return_paths_of_their_own_for_each_message_do_not_fill_the_memory() -> None:
    text = b"".join(
        log(f"4{n:05x}", "acme", "12:00:00", 1, sender=f"{n if n > 5 else 'same'}@a.example")
        for n in range(KEPT + 50)
    )
    ledger = Ledger(0, NOON)
    for line in text.splitlines(keepends=True):
        ledger.line(line)
    assert len(ledger.logins[b"acme"].senders) == KEPT
    assert len(told(text)["acme"]["senders"]) == SENDERS
    assert told(text)["acme"]["senders"]["same@a.example"] == 6


def test_rotated_logs_are_read_oldest_first_and_old_ones_not_at_all(tmp_path: Path) -> None:
    log_file = tmp_path / "mail.log"
    for name, text in (("mail.log", b"5\n"), ("mail.log.1", b"4\n"), ("mail.log.1x", b"no\n")):
        (tmp_path / name).write_bytes(text)
    for name, text in (("mail.log.2.gz", b"3\n"), ("mail.log.10.gz", b"1\n"), ("mail.log.9.gz", b"2\n")):
        (tmp_path / name).write_bytes(gzip.compress(text))
    assert list(lines(log_file, 0)) == [b"1\n", b"2\n", b"3\n", b"4\n", b"5\n"]
    os.utime(tmp_path / "mail.log.10.gz", (100, 100))
    assert next(lines(log_file, 101)) == b"2\n"
    assert list(lines(tmp_path / "absent.log", 0)) == []


def test_it_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mail.log").write_bytes(log("4e1", "acme", "12:00:00", 1, "sent"))
    main(["0", str(tmp_path / "mail.log")])
    assert list(json.loads(capsys.readouterr().out)["logins"]) == ["acme"]
