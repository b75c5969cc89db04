"""Publish records with dynamic updates (RFC 2136), signed with TSIG (RFC 8945), at the operator's primary."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

import dns.exception
import dns.flags
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update

from provisioner.adapters.blocking import wait
from provisioner.adapters.dns_wire import PORT, Question, Wire
from provisioner.core.answers import Outcome
from provisioner.core.names import is_within
from provisioner.core.publishing import Change, PublishResult, PublishStatus, plan_change
from provisioner.core.records import LIST_SERVER, Record, group_by_owner
from provisioner.core.zone_files import quoted

AT_ONCE = 16
"""Questions under way at a time."""

LARGEST = 32_000
"""Bytes of changes in one message, roughly: half of what a message over TCP holds."""

_LEAST_LABELS = 2
_OVERHEAD = 64


@dataclass(frozen=True)
class _Change:
    """The values that a record set of a zone is to get; none removes it. place: among those asked for."""

    place: int
    zone: str
    records: tuple[Record, ...]
    values: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes in a message, roughly."""
        return sum(len(self.records[0].name) + len(value) + _OVERHEAD for value in ("", *self.values))


class DnsUpdater:
    """Changes record sets at one primary server."""

    def __init__(
        self,
        primary: str,
        *,
        key_name: str,
        algorithm: str,
        secret: str,
        ttl: int,
        port: int = PORT,
        timeout: float = 5.0,
    ) -> None:
        """`secret` is the TSIG key in base64. Raises ValueError when it is not."""
        self._primary, self._port, self._timeout, self._ttl = primary, port, timeout, ttl
        self._wire = Wire(port=port, timeout=timeout)
        self._key = dns.tsig.Key(
            dns.name.from_text(key_name), base64.b64decode(secret, validate=True), algorithm
        )

    def publish(self, records: Sequence[Record]) -> list[PublishResult]:
        """Make every record set what it ought to be; one result a set.

        Sets of a zone go together, as many as one message holds: what is wrong with one message is told of
        its own sets alone.
        """
        sets = list(group_by_owner(tuple(records)).values())
        results: dict[int, PublishResult] = {}
        changes: list[_Change] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for place, outcome in enumerate(pool.map(self._plan, sets)):
                if isinstance(outcome, PublishResult):
                    results[place] = outcome
                else:
                    changes.append(_Change(place, outcome[0], tuple(sets[place]), outcome[1]))
            for sent, status, message in self._send_all(changes):
                if status is not PublishStatus.PUBLISHED:
                    results |= {each.place: _result(each.records, status, message) for each in sent}
                    continue
                confirmed = pool.map(lambda each: self._confirm(each.records, each.values), sent)
                results |= dict(zip((each.place for each in sent), confirmed, strict=True))
        return [results[place] for place in range(len(sets))]

    def withdraw(self, records: Sequence[Record]) -> list[PublishResult]:
        """Remove the record sets of these names and types; one result a set.

        Names of a list server that lead elsewhere by now stay: UNCHANGED, and the message says where.
        """
        sets = list(group_by_owner(tuple(records)).values())
        results: dict[int, PublishResult] = {}
        changes: list[_Change] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            zones = list(pool.map(lambda gone: self._zone(gone[0].name), sets))
            others = list(pool.map(self._by_others, sets))
        for place, (gone, zone, other) in enumerate(zip(sets, zones, others, strict=True)):
            if isinstance(zone, str) and not isinstance(zone, Outcome):
                if other:
                    results[place] = _result(gone, PublishStatus.UNCHANGED, f"it says {other} by now")
                    continue
                changes.append(_Change(place, zone, gone, ()))
            else:
                reason = zone.value if zone else f"its zone is not at {self._primary}"
                status = PublishStatus.FAILED if zone else PublishStatus.NOT_OURS
                results[place] = _result(gone, status, reason)
        for sent, status, message in self._send_all(changes):
            results |= {each.place: _result(each.records, status, message) for each in sent}
        return [results[place] for place in range(len(sets))]

    def _by_others(self, gone: tuple[Record, ...]) -> str:
        """Where names that led to a list server lead now; empty when still there, or nowhere."""
        if gone[0].purpose not in LIST_SERVER:
            return ""
        current = self._current(gone[0].name, gone[0].type) or ()
        return "" if set(current) <= {record.value for record in gone} else " | ".join(current)

    def obstacle(self, name: str) -> str:
        """Why the primary takes no changes at a name; empty when it does, or may: changes nothing there.

        It is asked to remove a TXT record, provided that there is none (RFC 2136 2.4.3): whether it accepts
        the key comes to light. Of what BIND's update-policy grants it tells only when there is none.
        """
        zone = self._zone(name)
        if not isinstance(zone, str) or isinstance(zone, Outcome):
            reason = zone.value if zone else "the zone is not there"
            return f"the primary {self._primary}: {reason}"
        update = dns.update.UpdateMessage(zone, keyring=self._key)
        update.absent(dns.name.from_text(name), "TXT")
        update.delete(dns.name.from_text(name), "TXT")
        _, message = self._answer(update, zone, {dns.rcode.NOERROR, dns.rcode.YXRRSET})
        return message

    def _send_all(self, changes: Sequence[_Change]) -> Iterator[tuple[list[_Change], PublishStatus, str]]:
        """Send changes zone by zone, message by message; what became of each message."""
        for _, of_zone in groupby(sorted(changes, key=lambda each: each.zone), lambda each: each.zone):
            batch: list[_Change] = []
            size = 0
            for change in of_zone:
                if batch and size + change.size > LARGEST:
                    yield (batch, *self._send(batch))
                    batch, size = [], 0
                batch.append(change)
                size += change.size
            yield (batch, *self._send(batch))

    def _plan(self, wanted: tuple[Record, ...]) -> PublishResult | tuple[str, tuple[str, ...]]:
        """The zone and the values to set, or the result when there is nothing to set."""
        first = wanted[0]
        zone = self._zone(first.name)
        if isinstance(zone, Outcome):
            return _result(wanted, PublishStatus.FAILED, f"the primary {self._primary}: {zone.value}")
        if zone is None:
            return _result(wanted, PublishStatus.NOT_OURS, f"its zone is not at {self._primary}")
        current = self._current(first.name, first.type)
        if current is None:
            return _result(
                wanted, PublishStatus.FAILED, f"the primary {self._primary} does not answer for it"
            )
        change = self._beside_cname(first, current) or plan_change(wanted, current)
        if change.values is None:
            status = PublishStatus.CONFLICT if change.conflict else PublishStatus.UNCHANGED
            return _result(wanted, status, change.conflict)
        return zone, change.values

    def _beside_cname(self, record: Record, current: Sequence[str]) -> Change | None:
        """The conflict of a CNAME to be added where other records are."""
        if record.type != "CNAME" or current:
            return None
        # A server drops a CNAME beside other records without a word (RFC 2136 3.4.2.2).
        beside = self._current(record.name, "TXT")
        if not beside:
            return None
        return Change(None, f"there is a TXT record at the same name; remove it first: {' | '.join(beside)}")

    def _zone(self, name: str) -> str | Outcome | None:
        """The zone that the primary has authority over and the name is in; None when there is none."""
        candidate = name
        while candidate.count(".") >= _LEAST_LABELS - 1:
            answer = wait(self._wire.ask(Question(self._primary, candidate, "SOA", authority=True)))
            if not answer.certain and answer.outcome not in {Outcome.REFUSED, Outcome.LAME}:
                return answer.outcome
            if answer.certain and is_within(name, zone := answer.zone):
                # A top-level zone or the root is where a name ends up whose own zone is not here.
                return zone if zone.count(".") >= _LEAST_LABELS - 1 else None
            candidate = candidate.partition(".")[2]
        return None

    def _current(self, name: str, kind: str) -> tuple[str, ...] | None:
        answer = wait(self._wire.ask(Question(self._primary, name, kind, authority=True)))
        if not answer.certain:
            return None
        # Behind a CNAME are another name's values.
        return () if answer.chain else answer.values

    def _send(self, changes: Sequence[_Change]) -> tuple[PublishStatus, str]:
        zone = changes[0].zone
        update = dns.update.UpdateMessage(zone, keyring=self._key)
        for change in changes:
            name, kind = dns.name.from_text(change.records[0].name), change.records[0].type
            update.delete(name, kind)
            for value in change.values:
                update.add(name, self._ttl, kind, _rdata(kind, value))
        return self._answer(update, zone, {dns.rcode.NOERROR})

    def _answer(
        self, update: dns.update.UpdateMessage, zone: str, fine: Collection[dns.rcode.Rcode]
    ) -> tuple[PublishStatus, str]:
        """Send a message; what became of it, and why when it was not taken."""
        key = self._key.name.to_text(True)
        takes_none = f"{self._primary} takes no updates of {zone} with the key {key}"
        try:
            response = dns.query.tcp(update, self._primary, timeout=self._timeout, port=self._port)
        except dns.tsig.PeerBadKey:
            # Knot says so of a key that it knows but that may not change this zone, too.
            return PublishStatus.NOT_OURS, f"{takes_none}, or does not know that key"
        except dns.tsig.PeerError as error:
            reason = f"{self._primary} does not accept the TSIG key {key} ({type(error).__name__})"
            return PublishStatus.FAILED, f"{reason}: secret, algorithm and clock have to be the server's"
        except (dns.exception.DNSException, OSError) as error:
            return (
                PublishStatus.FAILED,
                f"no update of {zone} at {self._primary}: {error or type(error).__name__}",
            )
        code = response.rcode()
        if code in {dns.rcode.REFUSED, dns.rcode.NOTAUTH}:
            return PublishStatus.NOT_OURS, takes_none
        if code not in fine:
            return PublishStatus.FAILED, f"update of {zone}: {dns.rcode.to_text(code)}"
        return PublishStatus.PUBLISHED, ""

    def _confirm(self, wanted: tuple[Record, ...], values: tuple[str, ...]) -> PublishResult:
        current = self._current(wanted[0].name, wanted[0].type)
        if current is not None and set(current) == set(values):
            return _result(wanted, PublishStatus.PUBLISHED)
        return _result(wanted, PublishStatus.FAILED, "the primary took the update, and does not have it")


def _rdata(kind: str, value: str) -> str:
    if kind == "TXT":
        return quoted(value)
    return f"{value}." if kind in {"CNAME", "MX", "PTR", "NS"} else value


def _result(wanted: Sequence[Record], status: PublishStatus, message: str = "") -> PublishResult:
    return PublishResult(wanted[0].name, wanted[0].type, wanted[0].zone, status, message)
