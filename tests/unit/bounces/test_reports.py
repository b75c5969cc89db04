"""What bounces are, by real ones: those that flufl.bounce is tried with, and shapes of today."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from email.message import Message
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_bounces.bounce_kinds import Kind
from provisioner_bounces.reports import MOST, Report, read

ANNA = "anna@gmail.test"
DATA = files("flufl.bounce") / "tests/data"


def known() -> dict[str, bool]:
    """The files that flufl.bounce's own tests find an address in; True: the failure is not for good."""
    source = ast.parse((files("flufl.bounce") / "testing/helpers.py").read_text(encoding="utf-8"))
    (table,) = (
        node.value
        for node in source.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DATA"
    )
    rows = ast.literal_eval(table)
    return {name: bool(temporary) for _, name, addresses, *temporary in rows if addresses}


KNOWN = known()
UNKNOWN = {each.name for each in DATA.iterdir() if each.name.endswith(".txt")} - KNOWN.keys()


def of(name: str) -> Report:
    return read((DATA / name).read_bytes(), None)[0]


def test_every_shape_is_there() -> None:
    assert len(KNOWN) > 100
    assert len(UNKNOWN) < 10


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_no_shape_that_is_known_is_unidentified(name: str) -> None:
    found = of(name)
    if KNOWN[name]:
        assert found.kind is Kind.AUTOREPLY, "what is only late has not failed"
    else:
        assert found.kind not in {Kind.UNIDENTIFIED, Kind.AUTOREPLY, Kind.COMPLAINT}


@pytest.mark.parametrize(
    ("name", "kind"),
    {
        "aol_01.txt": Kind.SOFT,
        "dsn_01.txt": Kind.FULL,
        "dsn_02.txt": Kind.SOFT,  # 4.4.7, given up after days
        "dsn_11.txt": Kind.HARD,
        "dsn_15.txt": Kind.HARD,  # a notification that a gateway passed on
        "dsn_16.txt": Kind.HARD,
        "exim_01.txt": Kind.HARD,
        "groupwise_02.txt": Kind.HARD,  # in HTML
        "hotpop_01.txt": Kind.FULL,
        "netscape_01.txt": Kind.SOFT,
        "postfix_01.txt": Kind.HARD,
        "qmail_03.txt": Kind.HARD,
        "qmail_06.txt": Kind.FULL,
        "simple_05.txt": Kind.HARD,
        "simple_42.txt": Kind.BLOCKED,
        "yahoo_10.txt": Kind.HARD,
        # What flufl.bounce finds no failure in.
        "qmail_08.txt": Kind.AUTOREPLY,
        "groupwise_03.txt": Kind.UNIDENTIFIED,
    }.items(),
)
def test_shapes_are_told_apart(name: str, kind: Kind) -> None:
    assert of(name).kind is kind


def dsn(status: str, diagnostic: str, action: str = "failed") -> bytes:
    return f"""\
Received: from mx.test by be1.operator.example (Postfix) with ESMTPS id 4X;
 Thu, 26 Nov 2026 12:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.test (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.test

Final-Recipient: rfc822; {ANNA}
Original-Recipient: rfc822;{ANNA}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b
Content-Type: text/rfc822-headers

Subject: spam and no such user
--b--
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (dsn("5.1.1", "550 5.1.1 <anna@gmail.test>: Recipient address rejected"), Kind.HARD, "5.1.1"),
        (dsn("5.0.0", "550-5.1.1 The email account does not exist."), Kind.HARD, "5.1.1"),
        (dsn("5.2.2", "552 5.2.2 Over quota"), Kind.FULL, "5.2.2"),
        (dsn("5.7.26", "550-5.7.26 This mail is unauthenticated"), Kind.BLOCKED, "5.7.26"),
        (dsn("4.4.1", "connect to mx.test[192.0.2.1]:25: Connection timed out"), Kind.SOFT, "4.4.1"),
        (dsn("4.1.1", "450 4.1.1 user unknown", "delayed"), Kind.AUTOREPLY, ""),
        (dsn("4.2.2", "452 4.2.2 mailbox full", "delayed (still trying)"), Kind.AUTOREPLY, ""),
        (dsn("2.1.5", "250 ok", "delivered"), Kind.AUTOREPLY, ""),
    ],
)
def test_notifications(raw: bytes, kind: Kind, status: str) -> None:
    found, taken = read(raw, ANNA)
    assert (found.kind, found.status) == (kind, status)
    assert taken == datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_of_several_recipients_the_return_path_says_which() -> None:
    other = (
        b"Final-Recipient: rfc822; bob@gmail.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\nFinal-Recipient"
    )
    raw = dsn("5.2.2", "552 5.2.2 Over quota").replace(b"Final-Recipient", other, 1)
    assert read(raw, ANNA)[0].kind is Kind.FULL
    assert read(raw, "bob@gmail.test")[0].kind is Kind.HARD
    assert read(raw, None)[0].kind is Kind.HARD


def arf(kind: str) -> bytes:
    return f"""\
From: <abusedesk@gmail.test>
Subject: FW: Our news
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--b
Content-Type: message/feedback-report

{kind}User-Agent: SomeGenerator/1.0
Version: 1

--b
Content-Type: message/rfc822

From: <news@acme.example>
Subject: Our news

Out of office? User unknown?
--b--
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [
        ("Feedback-Type: abuse\n", Kind.COMPLAINT),
        ("Feedback-Type: Fraud\n", Kind.COMPLAINT),
        ("", Kind.COMPLAINT),
        ("Feedback-Type: not-spam\n", Kind.AUTOREPLY),
        ("Feedback-Type: auth-failure\n", Kind.AUTOREPLY),
    ],
)
def test_complaints(feedback: str, kind: Kind) -> None:
    assert read(arf(feedback), ANNA)[0].kind is kind


QUOTED = "This is the Postfix program at host x\r\n\r\n<bob@gmail.test>: 550 5.1.1 no such user\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        f"From: {ANNA}\r\nAuto-Submitted: auto-replied\r\nSubject: I am away",
        f"From: {ANNA}\r\nX-Autoreply: yes\r\nSubject: Re: news",
        f"From: {ANNA}\r\nPrecedence: auto_reply\r\nSubject: Re: news",
        f"From: {ANNA}\r\nSubject: Out of office: news",
        f"From: {ANNA}\r\nSubject: =?utf-8?q?R=C3=A9ponse_automatique=3A_news?=",
        f"From: {ANNA}\r\nSubject: Risposta automatica: news",
        f"From: {ANNA}\r\nAuto-Submitted: auto-generated\r\nSubject: ticket 4",
        f"From: {ANNA}\r\nSubject: Read: news\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"',
    ],
)
def test_answers_of_machines(headers: str) -> None:
    body = "Thank you.\r\n" if "auto-generated" in headers or "report" in headers else QUOTED
    assert read(f"{headers}\r\n\r\n{body}".encode(), ANNA)[0].kind is Kind.AUTOREPLY


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\xff\r\n",
        b"Subject: =?nonsense?q?x?=\r\n\r\nwhat news!\r\n",
        b"From: anna@gmail.test\r\nSubject: Please stop\r\nAuto-Submitted: no\r\n\r\nI had enough.\r\n",
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Subject: =?utf-8?b?a?=\r\n\r\nx\r\n",
        b"Subject: =?ut\xff-8?q?a?=\r\n\r\nx\r\n",
        b"Received: x; Thu, 26 Nov 99999999999 12:00:00 +0000\r\n\r\nx\r\n",
    ],
)
def test_what_tells_nothing_does_no_harm(raw: bytes) -> None:
    assert read(raw, ANNA)[0].kind is Kind.UNIDENTIFIED


def test_a_detector_that_fails_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Message) -> None:
        raise UnicodeEncodeError("ascii", "\udcff", 0, 1, "ordinal not in range")

    monkeypatch.setattr("provisioner_bounces.reports.all_failures", fail)
    assert read(b"Subject: x\r\n\r\ny\r\n", ANNA)[0].kind is Kind.UNIDENTIFIED


def test_words_are_one_line_of_ascii_and_short() -> None:
    found, _ = read(dsn("5.1.1", "550 \u041f\u0438 \x07\x1b[31m" + "x" * 9000), ANNA)
    assert found.kind is Kind.HARD
    assert found.said.isprintable()
    assert found.said.isascii()
    assert len(found.said) <= 2000


def test_an_attachment_without_end_is_not_read() -> None:
    raw = dsn("5.1.1", "550 no such user")
    assert len(raw) < MOST
    assert read(raw + b"x" * (20 * MOST), ANNA)[0].kind is Kind.HARD


@given(
    st.sampled_from(sorted(KNOWN)),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=9)), max_size=9),
)
@settings(deadline=None, max_examples=200)
def test_whatever_comes_is_read_without_failing(name: str, spoilt: list[tuple[int, bytes]]) -> None:
    raw = bytearray((DATA / name).read_bytes())
    for place, what in spoilt:
        raw[place : place + len(what)] = what
    found, _ = read(bytes(raw), ANNA)
    assert found.said.isascii()
