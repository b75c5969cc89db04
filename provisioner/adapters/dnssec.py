"""Whether what a zone's server gives verifies against the DS records of the zone above (RFC 4035 5)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dns.asyncquery
import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

EXPIRES_SOON = 2 * 86_400
"""Seconds; signers renew long before, so what has less left is no longer renewed."""


class BrokenError(Exception):
    """It does not verify; the text says why."""


async def verify(zone: str, above: Sequence[str], server: str, port: int, timeout: float) -> str:
    """Follow the chain from DS (`above`, in presentation form) over DNSKEY to SOA at one server.

    Returns a word of warning, empty when there is none. Raises BrokenError, and OSError or DNSException where
    the server gives no answer. Only this one link is looked at, not the zones above.
    """
    name = dns.name.from_text(zone)
    keys, signed_keys = await _fetch(name, "DNSKEY", server, port, timeout)
    soa, signed_soa = await _fetch(name, "SOA", server, port, timeout)
    anchors = [key for key in keys if isinstance(key, DNSKEY) and _led_to(name, key, above)]
    if not anchors:
        raise BrokenError("none of its keys is one that the DS records above name")
    entry = dns.rrset.from_rdata_list(name, keys.ttl, anchors)
    _validate("its keys", keys, signed_keys, name, entry)
    _validate("its SOA record", soa, signed_soa, name, keys)
    left = max(each.expiration for each in signed_soa) - time.time()
    return f"its signatures end in {left / 3600:.0f} hours" if left < EXPIRES_SOON else ""


def _led_to(zone: dns.name.Name, key: DNSKEY, above: Sequence[str]) -> bool:
    for text in above:
        ds = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DS, text)
        assert isinstance(ds, DS)  # noqa: S101
        try:
            if dns.dnssec.make_ds(zone, key, ds.digest_type, validating=True) == ds:
                return True
        except dns.exception.DNSException:  # a digest that is not in use any more
            continue
    return False


async def _fetch(
    zone: dns.name.Name, kind: str, server: str, port: int, timeout: float
) -> tuple[dns.rrset.RRset, dns.rrset.RRset]:
    """A set of the zone's own records and its signatures. Raises BrokenError where there is none."""
    query = dns.message.make_query(zone, kind, want_dnssec=True)
    query.flags |= dns.flags.CD
    message, _ = await dns.asyncquery.udp_with_fallback(query, server, timeout, port)
    if message.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        raise OSError(dns.rcode.to_text(message.rcode()))
    wanted = dns.rdatatype.from_text(kind)
    found = message.get_rrset(message.answer, zone, dns.rdataclass.IN, wanted)
    if found is None:
        raise BrokenError(f"the zone above says that it is signed, but it has no {kind}")
    signed = message.get_rrset(message.answer, zone, dns.rdataclass.IN, dns.rdatatype.RRSIG, covers=wanted)
    if signed is None:
        raise BrokenError(f"the zone above says that it is signed, but its {kind} is not")
    return found, signed


def _validate(
    what: str, found: dns.rrset.RRset, signed: dns.rrset.RRset, zone: dns.name.Name, keys: dns.rrset.RRset
) -> None:
    now = time.time()
    if all(each.expiration < now for each in signed):
        raise BrokenError(
            f"the signature of {what} ended {(now - max(e.expiration for e in signed)) / 3600:.0f} hours ago"
        )
    try:
        dns.dnssec.validate(found, signed, {zone: keys}, now=now)
    except dns.exception.DNSException as error:
        raise BrokenError(f"the signature of {what} does not verify: {error}") from error
