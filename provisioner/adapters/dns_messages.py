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

    authority: whether the server has to answer by itself; one that only refers elsewhere is lame.
    """
    if isinstance(message, Outcome):
        return Answer(name, kind, message, server=server)
    code = message.rcode()
    if code not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        refused = code in {dns.rcode.REFUSED, dns.rcode.NOTAUTH}
        return Answer(name, kind, Outcome.REFUSED if refused else Outcome.SERVER_FAILED, server=server)
    if authority and not message.flags & dns.flags.AA:
        return Answer(name, kind, Outcome.LAME, server=server)
    chain: list[str] = []
    current, ttl = owner(name), 0
    while (alias := _find(message, current, "CNAME")) is not None and kind != "CNAME":
        current, ttl = alias[0].target, max(ttl, alias.ttl)
        if len(chain) >= _MAX_CNAMES:
            return Answer(name, kind, Outcome.LOOP, chain=tuple(chain), server=server)
        chain.append(_text(current))
    found = _find(message, current, kind)
    values = tuple(sorted(presentation(item) for item in found)) if found is not None else ()
    outcome = Outcome.NO_SUCH_NAME if code == dns.rcode.NXDOMAIN else Outcome.NO_DATA
    if found is not None:
        outcome, ttl = Outcome.FOUND, max(ttl, found.ttl)
    zone, negative = zone_in(message, name)
    return Answer(name, kind, outcome, values, tuple(chain), server, ttl, zone, negative)


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
