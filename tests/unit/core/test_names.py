from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core import names

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(
    lambda label: not label.startswith("xn--") and label[2:4] != "--"
)
DOMAIN = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
LOCAL = st.from_regex(r"[A-Za-z0-9+_-]{1,20}(\.[A-Za-z0-9+_-]{1,20})?", fullmatch=True)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("Acme.Example", "acme.example"),
        ("acme.example.", "acme.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a-1.b.example", "a-1.b.example"),
    ],
)
def test_a_domain_is_kept_in_one_form(given_text: str, kept: str) -> None:
    assert names.domain(given_text) == kept


@pytest.mark.parametrize(
    "bad",
    ["", "example", "a..example", "-a.example", "a-.example", "a_b.example", "a b.example", "*.a.example",
     "192.0.2.1", "a.example/", "@a.example", "xn--zzzzzzzz99999.example", "a" * 64 + ".example",
     "a.\n.example",
     ".".join(["abcdefgh"] * 40)],
)  # fmt: skip
def test_what_is_no_domain(bad: str) -> None:
    with pytest.raises(ValueError, match=r"(?s)."):
        names.domain(bad)


def test_only_some_names_may_have_underscores() -> None:
    assert names.dns_name("_spf.Operator.example") == "_spf.operator.example"
    with pytest.raises(ValueError, match="domain name"):
        names.domain("_spf.operator.example")


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("Max.Power@ACME.example", "Max.Power@acme.example"),
        ("x+y=z@bücher.example", "x+y=z@xn--bcher-kva.example"),
        (" a@acme.example ", "a@acme.example"),
    ],
)
def test_an_address_keeps_its_local_part(given_text: str, kept: str) -> None:
    assert names.email(given_text) == kept


@pytest.mark.parametrize(
    "bad",
    ["", "acme.example", "@acme.example", "a@", "a@b", ".a@acme.example", "a..b@acme.example",
     "a b@acme.example",
     '"a"@acme.example', "a@b@acme.example", "ä@acme.example", "a\n@acme.example", "a" * 65 + "@acme.example",
     "aaaa@" + ".".join(["b" * 60] * 4) + ".example"],
)  # fmt: skip
def test_what_is_no_address(bad: str) -> None:
    with pytest.raises(ValueError, match=r"(?s)."):
        names.email(bad)


@pytest.mark.parametrize("bad", ["", "a", "A1", "-ab", ".ab", "a b", "a:b", "a@b", "a" * 81, "ab\n"])
def test_what_is_no_login(bad: str) -> None:
    with pytest.raises(ValueError, match="login"):
        names.login(bad)


@pytest.mark.parametrize("bad", ["", "-a", "A", "a.b", "a/b", "../a", "a\n", "a" * 64])
def test_what_is_no_customer_name(bad: str) -> None:
    with pytest.raises(ValueError, match="name"):
        names.slug(bad)


@given(DOMAIN)
def test_canonical_domains_stay_as_they_are(text: str) -> None:
    assert names.domain(text) == text
    assert names.domain(text.upper() + ".") == text


@given(LOCAL, DOMAIN)
def test_canonical_addresses_stay_as_they_are(local: str, host: str) -> None:
    assert names.email(f"{local}@{host}") == f"{local}@{host}"


@given(
    st.text(max_size=80),
    st.sampled_from([names.domain, names.dns_name, names.email, names.login, names.slug]),
)
def test_any_text_is_either_refused_or_kept_in_a_final_form(
    text: str, validate: Callable[[str], str]
) -> None:
    try:
        once = validate(text)
    except ValueError:
        return
    assert validate(once) == once
    assert once.isascii()
    assert not any(character.isspace() or character in ':"\\' for character in once)


def test_below() -> None:
    assert names.is_within("a.b.example", "b.example")
    assert names.is_within("b.example", "b.example")
    assert not names.is_within("ab.example", "b.example")


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("90m", 5400), ("4h", 14400), ("2w", 1209600)])
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert names.duration(text) == timedelta(seconds=seconds)
    assert names.duration(names.duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
    assert names.duration_text(timedelta(days=180)) == "180d"


@pytest.mark.parametrize("bad", ["", "5", "d", "0d", "-1d", "1y", "1 d", "1.5h", 5, None])
def test_what_is_no_length_of_time(bad: object) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        names.duration(bad)
