from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.dmarc import DmarcError, is_dmarc, organisational, parse


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


@given(st.text(max_size=80))
def test_any_text_is_a_record_or_told_why_not(text: str) -> None:
    assert is_dmarc(f"v=DMARC1;{text}")
    with contextlib.suppress(DmarcError):
        parse(f"v=DMARC1;{text}")
