from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.bounce_kinds import Kind, ReturnPath, classify, return_path

DOMAIN = "bounce.operator.example"


@pytest.mark.parametrize(
    ("dsn", "said", "kind"),
    [
        ("5.1.1", "host mx.test said: 550 5.1.1 <x@y.test>: Recipient address rejected", Kind.HARD),
        ("5.1.1", "550-5.1.1 The email account that you tried to reach does not exist.", Kind.HARD),
        (
            "5.1.10",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP lookup",
            Kind.HARD,
        ),
        (
            "5.4.4",
            "Host or domain name not found. Name service error for name=nowhere.test type=A",
            Kind.HARD,
        ),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.", Kind.HARD),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable", Kind.HARD),
        ("5.7.1", "550 5.7.1 No such user here", Kind.HARD),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", Kind.HARD),
        (
            "5.0.0",
            "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com)",
            Kind.HARD,
        ),
        ("5.2.2", "552 5.2.2 Over quota", Kind.FULL),
        ("5.1.1", "550 5.1.1 mailbox full", Kind.FULL),
        ("5.0.0", "552 Mailbox is full", Kind.FULL),
        ("5.7.1", "550 5.7.1 Service unavailable; client blocked using zen.example", Kind.BLOCKED),
        ("5.7.26", "550-5.7.26 This mail is unauthenticated, which poses a security risk", Kind.BLOCKED),
        ("5.0.0", "554 Message rejected as spam", Kind.BLOCKED),
        ("5.7.1", "550 5.7.1 Access denied", Kind.BLOCKED),
        ("5.3.4", "552 5.3.4 Message size exceeds fixed limit", Kind.SOFT),
        ("5.0.0", "554 transaction failed", Kind.SOFT),
        ("5.4.6", "554 5.4.6 Too many hops", Kind.SOFT),
        ("4.1.1", "450 4.1.1 unverified address: user unknown", Kind.SOFT),
        ("4.4.3", "Host or domain name not found. Name service error: try again", Kind.SOFT),
        ("4.2.2", "452 4.2.2 try again", Kind.FULL),
        ("4.7.1", "421 4.7.1 come back later", Kind.BLOCKED),
        ("5.0.0", "550 Sorry, no mailbox here by that name", Kind.HARD),
    ],
)
def test_failures_are_told_apart(dsn: str, said: str, kind: Kind) -> None:
    assert classify(dsn, said) is kind


@pytest.mark.parametrize(
    ("local", "found"),
    [
        ("acme-dem.news.8f3a01c2", ReturnPath("acme-dem", "news", "8f3a01c2")),
        (
            "acme-dem.news.8f3a01c2+anna=gmail.test",
            ReturnPath("acme-dem", "news", "8f3a01c2", "anna@gmail.test"),
        ),
        # Postfix appends the recipient as it is (VERP_README): both delimiters may be in its local part.
        ("a1.l.00000000+a+b=c=d.test", ReturnPath("a1", "l", "00000000", "a+b=c@d.test")),
        (
            "a1.l.00000000+a.b+c.d.11111111=d.test",
            ReturnPath("a1", "l", "00000000", "a.b+c.d.11111111@d.test"),
        ),
        # A login may look like all of it.
        ("a.b.11111111.l_1-x.22222222", ReturnPath("a.b.11111111", "l_1-x", "22222222")),
        # As a server between may write it.
        ("ACME.News.8F3A01C2+Anna=Gmail.TEST", ReturnPath("acme", "news", "8f3a01c2", "Anna@gmail.test")),
    ],
)
def test_return_paths_are_taken_apart(local: str, found: ReturnPath) -> None:
    assert return_path(f"{local}@{DOMAIN}", DOMAIN) == found
    assert return_path(f"{local}@{DOMAIN.upper()}", DOMAIN) == found


@pytest.mark.parametrize(
    "address",
    [
        f"postmaster@{DOMAIN}",
        f"acme.8f3a01c2@{DOMAIN}",
        f"acme.news.8f3a01c@{DOMAIN}",
        f"acme.news.8f3a01c2f@{DOMAIN}",
        f"acme.news.8f3a01c2+anna@{DOMAIN}",
        f"acme.news.8f3a01c2+=gmail.test@{DOMAIN}",
        f"acme.news.8f3a01c2+anna=@{DOMAIN}",
        f"acme.news.8f3a01c2+anna=localhost@{DOMAIN}",
        f"acme.news.8f3a01c2+an na=gmail.test@{DOMAIN}",
        f"acme.news.8f3a01c2+{'a' * 400}=gmail.test@{DOMAIN}",
        f".news.8f3a01c2@{DOMAIN}",
        "acme.news.8f3a01c2@elsewhere.example",
        "acme.news.8f3a01c2",
        "",
    ],
)
def test_what_is_no_return_path(address: str) -> None:
    with pytest.raises(ValueError, match="is no return path"):
        return_path(address, DOMAIN)


LOCAL = st.from_regex(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,40}", fullmatch=True)
HOST = st.from_regex(r"[a-z0-9]{1,9}(\.[a-z0-9-]{1,9}){1,3}", fullmatch=True)
LOGIN = st.from_regex(r"[a-z0-9][a-z0-9._-]{1,40}", fullmatch=True)
LIST = st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True)
TAG = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)


@given(LOGIN, LIST, TAG, LOCAL, HOST)
def test_who_it_was_for_comes_back_exactly(login: str, news: str, tag: str, local: str, host: str) -> None:
    address = f"{login}.{news}.{tag}+{local}={host}@{DOMAIN}"
    assert return_path(address, DOMAIN) == ReturnPath(login, news, tag, f"{local}@{host}")
