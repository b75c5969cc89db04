"""Read what a server answered, as far as it tells something: most of a run's time goes into this."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.wire

_HEADER = 12
_LONGEST_TTL = 0x7FFFFFFF
_TO_QUESTION = b"\xc0\x0c"
"""A pointer to the name in the question, as which most records' names are written (RFC 1035 4.1.4)."""


def parse(wire: bytes, asked: dns.name.Name, question: int) -> dns.message.Message:
    """A message's flags, answer and authority section.

    Its additional records are not looked at, but in a message that says nothing else: the code that tells
    why may stand there in a part (RFC 6891 6.1.3). asked: the name in the question, which has been
    compared; question: bytes of its section. Raises DNSException.
    """
    parser = dns.wire.Parser(wire)
    number, flags, questions, answers, authorities, more = parser.get_struct("!HHHHHH")
    message = dns.message.QueryMessage(number)
    message.flags = dns.flags.Flag(flags)
    if questions == 0 and message.rcode() == dns.rcode.FORMERR:
        return message
    if questions != 1:
        raise dns.exception.FormError
    parser.seek(_HEADER + question)
    for count, section in ((answers, message.answer), (authorities, message.authority)):
        for _ in range(count):
            _read(parser, asked, section)
    if not (answers or authorities):
        for _ in range(more):
            _look_for_code(parser, message)
    return message


def _look_for_code(parser: dns.wire.Parser, message: dns.message.Message) -> None:
    """Pass over an additional record. Of OPT keep the flags, in which the message's code goes on."""
    parser.get_name(decompress=True)
    kind, _, flags, length = parser.get_struct("!HHIH")
    parser.get_bytes(length)
    if kind == dns.rdatatype.OPT:
        message.use_edns(0, flags)


def _read(parser: dns.wire.Parser, asked: dns.name.Name, section: list[dns.rrset.RRset]) -> None:
    """One record, into the set that it is of."""
    if parser.wire.startswith(_TO_QUESTION, parser.current):
        parser.seek(parser.current + len(_TO_QUESTION))
        name = asked
    else:
        name = parser.get_name(decompress=True)
    kind, space, ttl, length = parser.get_struct("!HHIH")
    if space != dns.rdataclass.IN:
        parser.get_bytes(length)
        return
    with parser.restrict_to(length):
        item = dns.rdata.from_wire_parser(dns.rdataclass.IN, dns.rdatatype.RdataType.make(kind), parser)
    _set(section, name, item).add(item, ttl if ttl <= _LONGEST_TTL else 0)


def _set(section: list[dns.rrset.RRset], name: dns.name.Name, item: dns.rdata.Rdata) -> dns.rrset.RRset:
    """The set that a record is of; a new one where it is the first."""
    for found in section:
        if found.rdtype == item.rdtype and found.name == name and found.covers == item.covers():
            return found
    section.append(dns.rrset.RRset(name, dns.rdataclass.IN, item.rdtype, item.covers()))
    return section[-1]
