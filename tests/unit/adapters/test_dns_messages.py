"""What an answer's CNAMEs say of where to go on, and of where there is nothing."""

from __future__ import annotations

from itertools import pairwise

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from provisioner.adapters.dns_messages import read
from provisioner.core.answers import Answer, Outcome

NAME = "s1._domainkey.operator.example"
TARGET = "s1.dkim.operator.example"
SOA = ("operator.example", "SOA", "ns.operator.example. root.operator.example. 1 2 3 4 5")
NS = ("dkim.operator.example", "NS", "ns.dkim.operator.example.")
ALIAS = (NAME, "CNAME", f"{TARGET}.")

Records = list[tuple[str, str, str]]


def said(
    answer: Records, authority: Records, code: dns.rcode.Rcode = dns.rcode.NOERROR, *, ours: bool = True
) -> Answer:
    """ours: the server that was asked has authority itself."""
    message = dns.message.make_response(dns.message.make_query(NAME, "TXT"))
    message.set_rcode(code)
    if ours:
        message.flags |= dns.flags.AA
    for records, section in ((answer, message.answer), (authority, message.authority)):
        section += [dns.rrset.from_text(f"{name}.", 60, "IN", kind, value) for name, kind, value in records]
    return read(message, NAME, "TXT", "ns", authority=ours)


def test_an_alias_that_ends_in_a_zone_of_others_is_a_referral() -> None:
    found = said([ALIAS], [NS])
    assert (found.outcome, found.chain, found.certain) == (Outcome.LAME, (TARGET,), False)


@pytest.mark.parametrize(
    ("answer", "authority", "code", "outcome"),
    [
        ([ALIAS], [SOA], dns.rcode.NOERROR, Outcome.NO_DATA),
        ([ALIAS], [SOA, NS], dns.rcode.NOERROR, Outcome.NO_DATA),
        ([ALIAS], [], dns.rcode.NOERROR, Outcome.NO_DATA),
        ([ALIAS], [("elsewhere.example", *NS[1:])], dns.rcode.NOERROR, Outcome.NO_DATA),
        ([ALIAS], [NS], dns.rcode.NXDOMAIN, Outcome.NO_SUCH_NAME),
        ([ALIAS, (TARGET, "TXT", '"x"')], [NS], dns.rcode.NOERROR, Outcome.FOUND),
        ([], [NS], dns.rcode.NOERROR, Outcome.NO_DATA),
    ],
)
def test_what_is_none_stays_what_it_is(
    answer: Records, authority: Records, code: dns.rcode.Rcode, outcome: Outcome
) -> None:
    assert said(answer, authority, code).outcome is outcome


def test_a_resolver_has_looked_there_itself() -> None:
    assert said([ALIAS], [NS], ours=False).outcome is Outcome.NO_DATA


@pytest.mark.parametrize("code", [dns.rcode.NOERROR, dns.rcode.SERVFAIL])
def test_a_circle_is_one_whatever_the_server_calls_it(code: dns.rcode.Rcode) -> None:
    found = said([ALIAS, (TARGET, "CNAME", f"{NAME.upper()}.")], [], code)
    assert (found.outcome, found.chain) == (Outcome.LOOP, (TARGET, NAME))
    assert found.seen == f"its CNAMEs go in a circle: {NAME} → {TARGET} → {NAME}"


def test_a_failure_behind_an_alias_is_no_circle() -> None:
    assert said([ALIAS], [], dns.rcode.SERVFAIL).outcome is Outcome.SERVER_FAILED


def test_too_many_aliases_are_told_as_that() -> None:
    names = [NAME, *(f"a{number}.operator.example" for number in range(9))]
    found = said([(one, "CNAME", f"{to}.") for one, to in pairwise(names)], [])
    assert (found.outcome, found.seen.endswith("too many aliases, perhaps in a circle")) == (
        Outcome.LOOP,
        True,
    )
