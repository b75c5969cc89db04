"""What is read of a message is what dnspython reads of it, and nothing that strangers send breaks it."""

from __future__ import annotations

import contextlib

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.adapters.dns_messages import owner, read
from provisioner.adapters.dns_reader import parse

NAME = "s1._domainkey.acme.example"
QUESTION = len(owner(NAME).to_wire() or b"") + 4
SETS = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "AAAA": ["2001:db8::1"],
    "MX": ["10 Mail.acme.example.", "20 ."],
    "TXT": ['"v=spf1 -all" "x"', '"\\000\\255"'],
    "CNAME": ["s1.acme.example.dkim.operator.example."],
    "SOA": ["ns.acme.example. root.acme.example. 7 1 2 3 4"],
    "DS": ["1 8 2 " + "AB" * 32],
    "PTR": ["host\\.with\\.dots.example."],
    "TYPE65280": ["\\# 3 010203"],
}


def message(*records: tuple[str, str, str, int]) -> bytes:
    """An answer with records: section, name, type, TTL."""
    query = dns.message.make_query(NAME, "TXT", use_edns=0)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    for section, name, kind, ttl in records:
        where = response.answer if section == "answer" else response.authority
        where.append(dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *SETS[kind]))
    response.additional.append(dns.rrset.from_text("ns.acme.example.", 5, "IN", "A", "192.0.2.53"))
    return response.to_wire(max_size=65_535)


names = st.sampled_from([NAME, "S1._domainkey.ACME.example", "acme.example", "other.example"])
records = st.tuples(
    st.sampled_from(["answer", "authority"]), names, st.sampled_from([*SETS]), st.integers(0, 2**31 - 1)
)


@given(st.lists(records, max_size=5, unique_by=lambda each: (each[0], each[1].lower(), each[2])))
def test_the_same_is_read(wanted: list[tuple[str, str, str, int]]) -> None:
    wire = message(*wanted)
    ours, theirs = parse(wire, owner(NAME), QUESTION), dns.message.from_wire(wire)
    assert (ours.flags, ours.rcode()) == (theirs.flags, theirs.rcode())
    for mine, other in ((ours.answer, theirs.answer), (ours.authority, theirs.authority)):
        assert [(each, each.ttl) for each in mine] == [(each, each.ttl) for each in other]
    for kind in ("TXT", "A", "CNAME"):
        assert read(ours, NAME, kind, "ns", authority=True) == read(theirs, NAME, kind, "ns", authority=True)


@given(st.data())
def test_a_message_that_is_broken_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    wire = bytearray(message(("answer", NAME, "CNAME", 5), ("answer", "other.example", "TXT", 5)))
    for at in data.draw(st.lists(st.integers(0, len(wire) - 1), max_size=4)):
        wire[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(wire)))
    for each in (bytes(wire), bytes(wire[:cut])):
        with contextlib.suppress(dns.exception.DNSException):
            read(parse(each, owner(NAME), QUESTION), NAME, "TXT", "ns", authority=True)


@pytest.mark.parametrize("tail", [b"", b"\xc0\x0c", b"\xc0\xff", b"\xff" * 30])
def test_promises_that_are_not_kept_are_refused(tail: bytes) -> None:
    wire = message()
    head = wire[:6] + b"\xff\xff\0\0\0\0" + wire[12 : 12 + QUESTION]
    with pytest.raises(dns.exception.DNSException):
        parse(head + tail, owner(NAME), QUESTION)
