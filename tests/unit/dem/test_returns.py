"""What backends say of a bounce, and what this host's own Postfix says."""

from __future__ import annotations

import pytest
from provisioner_dem.returns import Bounce, read

PATH = "acme-dem.news.8f3a01c2+anna=gmail.test@bounce.operator.example"


def _read(recipient: str, message: str) -> Bounce | None:
    return read(recipient, message.encode(), "acme-dem", "8f3a01c2", "bounce.operator.example")


def _told(header: str) -> str:
    return f"X-Provisioner-Bounce: {header}\nFrom: MAILER-DAEMON@gmail.test\n\nno such user\n"


@pytest.mark.parametrize(
    ("header", "kind", "status"),
    [
        ("kind=hard; list=news; recipient=anna@gmail.test; status=5.1.1", "hard", "5.1.1"),
        ("kind=hard; list=news; recipient=anna@gmail.test; status=", "hard", "5.1.1"),
        ("kind=full; list=news; recipient=anna@gmail.test", "full", "4.2.2"),
        ("kind=complaint; list=news; recipient=anna@gmail.test; status=", "complaint", ""),
        ("kind=soft; status=none of these", "soft", "4.0.0"),
        ("kind=new; status=5.1.1", "unidentified", "5.1.1"),
        ("", "unidentified", ""),
    ],
)
def test_backends_word_counts(header: str, kind: str, status: str) -> None:
    assert _read(PATH, _told(header)) == Bounce(kind, "news", "anna@gmail.test", status)


def test_the_reader_is_the_return_paths_own_and_never_the_headers() -> None:
    found = _read(PATH, _told("kind=hard; list=other; recipient=bruno@yahoo.test; status=5.1.1"))
    assert found == Bounce("hard", "news", "anna@gmail.test", "5.1.1")


def test_an_address_with_signs_of_its_own_comes_back_whole() -> None:
    path = PATH.replace("anna=gmail.test", "Anna+news=x=Gmail.test")
    found = _read(path, _told("kind=soft"))
    assert found is not None
    assert found.recipient == "anna+news=x@gmail.test"


@pytest.mark.parametrize(
    "recipient",
    [
        PATH.replace("8f3a01c2", "8f3a01c3"),
        PATH.replace("acme-dem", "globex-dem"),
        PATH.replace("bounce.", "bounce2."),
        PATH.replace("+anna=gmail.test", ""),
        "x" + PATH,
        PATH + "x",
        "post@acme.example",
    ],
)
def test_what_is_no_return_path_of_this_host_is_nothing(recipient: str) -> None:
    assert _read(recipient, _told("kind=complaint")) is None


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.1.1", "hard"),
        ("failed", "5.1.10 (nobody there)", "hard"),
        ("failed", "5.2.2", "full"),
        ("failed", "5.7.1", "blocked"),
        ("failed", "4.4.1", "soft"),
        ("failed", "5.3.0", "soft"),
        ("delayed", "4.4.1", "autoreply"),
    ],
)
def test_own_postfix_is_read_by_its_report(action: str, status: str, kind: str) -> None:
    report = (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nsorry\n\n--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; dem1\n\nFinal-Recipient: rfc822; anna@gmail.test\n"
        f"Action: {action}\nStatus: {status}\n\n--b--\n"
    )
    found = _read(PATH, report)
    assert found is not None
    assert found.kind == kind


def test_a_letter_that_reports_nothing_is_not_counted() -> None:
    found = _read(PATH, "Subject: I am on holiday\n\nuntil Monday\n")
    assert found is not None
    assert found.kind == "unidentified"
