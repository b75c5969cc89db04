"""What DNS messages say, in the project's own words."""

from __future__ import annotations

from functools import lru_cache

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

from provisioner.core.answers import Answer, Outcome

_MAX_CNAMES = 8

Reply = dns.message.Message | Outcome
"""A message, or how there was none."""


@lru_cache(maxsize=4096)
def owner(name: str) -> dns.name.Name:
    """A name as DNS has it; what is no letter in it goes as it stands. Raises DNSException."""
    if "\\" in name or name == ".":
        return dns.name.from_text(name)
    return dns.name.Name([*(label.encode() for label in name.removesuffix(".").split(".")), b""])


def read(message: Reply, name: str, kind: str, server: str, *, authority: bool) -> Answer:
    """What a message says about a question, CNAMEs followed as far as it goes.

    authority: whether the server has to answer by itself; one that only refers elsewhere is lame. It may be
    so for the end of a chain alone, whose start it answers for: then the chain is told too.
    """
    if isinstance(message, Outcome):
        return Answer(name, kind, message, server=server)
    code = message.rcode()
    passed, ttl = _aliases(message, name, kind)
    current, chain = passed[-1], tuple(_text(each) for each in passed[1:])
    loops = current in passed[:-1] or len(chain) > _MAX_CNAMES
    # BIND calls a circle its own failure, and has it in the answer all the same.
    if code not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN} and not loops:
        refused = code in {dns.rcode.REFUSED, dns.rcode.NOTAUTH}
        return Answer(name, kind, Outcome.REFUSED if refused else Outcome.SERVER_FAILED, server=server)
    if authority and not message.flags & dns.flags.AA:
        return Answer(name, kind, Outcome.LAME, server=server)
    if loops:
        return Answer(name, kind, Outcome.LOOP, chain=chain, server=server)
    found = _find(message, current, kind)
    values = tuple(sorted(presentation(item) for item in found)) if found is not None else ()
    outcome = Outcome.NO_SUCH_NAME if code == dns.rcode.NXDOMAIN else Outcome.NO_DATA
    if found is not None:
        outcome, ttl = Outcome.FOUND, max(ttl, found.ttl)
    elif authority and chain and outcome is Outcome.NO_DATA and _refers(message, current):
        outcome = Outcome.LAME
    zone, negative = zone_in(message, name)
    return Answer(name, kind, outcome, values, chain, server, ttl, zone, negative)


def _aliases(message: dns.message.Message, name: str, kind: str) -> tuple[list[dns.name.Name], int]:
    """The names that CNAMEs lead through, the asked one first; the longest time to live on the way.

    Ends at the first name that comes again, and where there are too many.
    """
    passed, ttl = [owner(name)], 0
    while kind != "CNAME" and len(passed) <= _MAX_CNAMES + 1 and passed[-1] not in passed[:-1]:
        alias = _find(message, passed[-1], "CNAME")
        if alias is None:
            break
        passed.append(alias[0].target)
        ttl = max(ttl, alias.ttl)
    return passed, ttl


def _refers(message: dns.message.Message, name: dns.name.Name) -> bool:
    """Whether a name without the record is another zone's, whose servers are named (RFC 2308 2.2)."""
    kinds = {item.rdtype for item in message.authority if name.is_subdomain(item.name)}
    return dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds


def zone_in(message: dns.message.Message, name: str) -> tuple[str, int]:
    """The zone that a name is in and its negative time to live, by the SOA record that comes along.

    That is the smaller of the record's own and its last field (RFC 2308 5). Empty and 0 when there is none.
    """
    at = owner(name)
    for item in (*message.answer, *message.authority):
        if item.rdtype == dns.rdatatype.SOA and at.is_subdomain(item.name):
            return _text(item.name), min(item.ttl, item[0].minimum)
    return "", 0


def presentation(item: dns.rdata.Rdata) -> str:
    """A record's value as `core.records` writes it: no final dots, lower case, TXT strings joined."""
    if item.rdtype == dns.rdatatype.TXT:
        return b"".join(item.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]
    text = item.to_text()
    if item.rdtype in _AS_IT_STANDS:
        return text
    return text.lower().removesuffix(".")


_AS_IT_STANDS = {dns.rdatatype.DNSKEY, dns.rdatatype.RRSIG, dns.rdatatype.DS}


def _find(message: dns.message.Message, name: dns.name.Name, kind: str) -> dns.rrset.RRset | None:
    wanted = dns.rdatatype.from_text(kind)
    return next((item for item in message.answer if item.name == name and item.rdtype == wanted), None)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
