from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.dmarc import (
    DmarcError,
    governing,
    is_dmarc,
    is_suffix,
    names_above,
    organisational,
    parse,
    suffix_flag,
)

R = "v=DMARC1; p=none"


@pytest.mark.parametrize(
    ("domain", "above"),
    [
        ("acme.example", "acme.example"),
        ("news.shop.acme.example", "acme.example"),
        ("www.acme.co.uk", "acme.co.uk"),
        ("co.uk", "co.uk"),
        ("a.b.xn--p1ai", "b.xn--p1ai"),
        ("shop.acme.it", "acme.it"),
    ],
)
def test_who_registered_a_name(domain: str, above: str) -> None:
    assert organisational(domain) == above


def test_all_of_a_record() -> None:
    found = parse(
        "v=DMARC1; p=Quarantine; sp=none; adkim=s; aspf=r; rua=mailto:a@x.example,mailto:b@Y.example!5m"
    )
    assert (found.policy, found.subdomain_policy) == ("quarantine", "none")
    assert (found.strict_dkim, found.strict_spf) == (True, False)
    assert found.reports == ("x.example", "y.example")
    assert found.flaws == ()
    failing = parse("v=DMARC1; p=none; ruf=mailto:a@X.example,b@y.example")
    assert (failing.reports, failing.failures) == ((), ("x.example",))
    assert failing.flaws == ("ruf=b@y.example is no mailto: address",)


def test_the_mailbox_of_a_report_ends_where_the_rest_of_its_address_begins() -> None:
    """RFC 6068 2: header fields may follow."""
    found = parse("v=DMARC1; p=none; rua=mailto:a@b.example?subject=x,mailto:a@c.example?subject=x%21!10m")
    assert (found.reports, found.flaws) == (("b.example", "c.example"), ())


@pytest.mark.parametrize(
    ("domain", "above"),
    [
        ("example", ()),
        ("a.mail.acme.com", ("mail.acme.com", "acme.com", "com")),
        ("a.b.c.d.e.f.g.h", ("b.c.d.e.f.g.h", "c.d.e.f.g.h", "d.e.f.g.h", "e.f.g.h", "f.g.h", "g.h", "h")),
        ("a.b.c.d.e.f.g.h.i.j.mail.acme.com", (
            "g.h.i.j.mail.acme.com", "h.i.j.mail.acme.com", "i.j.mail.acme.com", "j.mail.acme.com",
            "mail.acme.com", "acme.com", "com",
        )),
    ],
)  # fmt: skip
def test_the_way_up_has_eight_names_at_most(domain: str, above: tuple[str, ...]) -> None:
    assert names_above(domain) == above


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (R, "u"),
        (f"{R}; psd=y", "y"),
        ("v=DMARC1; PSD=N", "n"),
        (f"{R}; psd=x", "u"),
        (f"{R}; psd=y; psd=y", "u"),
    ],
)
def test_what_a_record_says_of_whose_it_is(text: str, flag: str) -> None:
    assert suffix_flag(text) == flag


def test_a_flag_that_there_is_not_is_told() -> None:
    assert parse(f"{R}; psd=maybe").flaws == ("psd=maybe is not valid",)


@pytest.mark.parametrize(
    ("records", "whose"),
    [
        ({}, None),
        ({"b.acme.com": R}, "b.acme.com"),
        ({"b.acme.com": R, "acme.com": R}, "acme.com"),
        ({"b.acme.com": R, "acme.com": R, "com": R}, "com"),
        ({"b.acme.com": f"{R}; psd=n"}, "b.acme.com"),
        ({"acme.com": R, "com": f"{R}; psd=y"}, "acme.com"),
        ({"b.acme.com": R, "com": f"{R}; psd=y"}, "com"),
        ({"com": f"{R}; psd=y"}, "com"),
    ],
)
def test_whose_record_counts_by_the_names_above(records: dict[str, str], whose: str | None) -> None:
    assert governing(records) == whose


def test_a_suffix_is_nobodys() -> None:
    assert [is_suffix(name) for name in ("co.uk", "acme.co.uk", "acme.it")] == [True, False, False]


@given(st.text(max_size=80))
def test_any_text_is_a_record_or_told_why_not(text: str) -> None:
    assert is_dmarc(f"v=DMARC1;{text}")
    with contextlib.suppress(DmarcError):
        parse(f"v=DMARC1;{text}")
