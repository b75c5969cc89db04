"""The readiness gate: is a customer's domain, sent from the fleet's addresses, right in receivers' eyes?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from provisioner.core import checks
from provisioner.core.answers import Answer, Dns, Dnssec, settled
from provisioner.core.dkim import KeyState
from provisioner.core.dmarc import DmarcPolicy
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Inventory
from provisioner.core.key_slots import COMING
from provisioner.core.records import (
    LIST_SERVER,
    PUBLISHED,
    Record,
    dkim_needed,
    fleet_records,
    group_by_owner,
)
from provisioner.workflows.dns import expected

AT_ONCE = 64
"""Domains under way at a time; what servers are asked at a time is the resolver's to bound."""

LONGEST = 60.0
"""Seconds that a domain may take; what did not come about until then is unknown."""


@dataclass
class _Heard:
    """DNS that keeps what it answered, so that what every answer tells besides costs no question more."""

    dns: Dns
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, name: str, kind: str) -> Answer:
        answer = await self.dns.ask(name, kind)
        self.answers.append(answer)
        return answer

    async def ask_all(self, name: str, kind: str) -> tuple[Answer, ...]:
        answers = await self.dns.ask_all(name, kind)
        self.answers += answers
        return answers

    async def dnssec(self, name: str) -> Dnssec:
        return await self.dns.dnssec(name)

    def long_lived(self, records: Iterable[Record]) -> list[Finding]:
        """Which of the names that these records have live too long in caches."""
        names = {record.name for record in records}
        about = (each for each in self.answers if each.name in names and each.type != "SOA")
        return checks.check_ttl(about)


@dataclass(frozen=True)
class Report:
    """What was found of a domain, or with None of the fleet itself."""

    domain: str | None
    findings: tuple[Finding, ...]


async def verify(
    inventory: Inventory,
    subjects: Sequence[str | None],
    dns: Dns,
    longest: float = LONGEST,
    used: Mapping[str, Collection[str]] | None = None,
) -> AsyncIterator[Report]:
    """A report of each domain, None standing for the fleet, as they come about.

    used: by domain, in which domains its accounts had return paths, where that is known.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(subject: str | None) -> Report:
        async with gate:
            paths = (used or {}).get(subject or "")
            work = fleet(inventory, dns) if subject is None else domain(inventory, subject, dns, paths)
            return Report(subject, await _in_time(work, subject or "the fleet", longest))

    tasks = [asyncio.create_task(one(subject)) for subject in subjects]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for each in tasks:
            each.cancel()


async def domain(
    inventory: Inventory, name: str, dns: Dns, used: Collection[str] | None = None
) -> tuple[Finding, ...]:
    """What is to be said of a customer's domain. Raises UsageError when it is nobody's.

    used: the domains of return paths that its accounts used, where that is known.
    """
    records = expected(inventory, name)
    wanted, dns = {record.purpose: record for record in records}, _Heard(dns)
    spf, dmarc, replies, zone, dnssec, (keys, sites) = await asyncio.gather(
        checks.check_spf(wanted["spf"], inventory.egress_addresses, dns),
        checks.check_dmarc(wanted["dmarc"], name, dns),
        checks.check_replies(name, dns),
        checks.check_zone(name, dns),
        checks.check_dnssec(name, dns),
        asyncio.gather(_keys(inventory, name, records, dns), _sites(records, dns)),
    )
    aligned = _alignment(inventory, name, dmarc.policy, used)
    late = dns.long_lived(records)
    return (*spf, *keys, *dmarc.findings, *aligned, *replies, *zone, *dnssec, *sites, *late)


def _alignment(
    inventory: Inventory, name: str, policy: DmarcPolicy | None, used: Collection[str] | None
) -> list[Finding]:
    """Nothing where there is no policy to align with, which is told of it as it is."""
    owner = inventory.owner(name)
    if policy is None or owner is None:
        return []
    # The fleet signs as From:'s domain, with active keys alone, and takes return paths in those of the login.
    signed = any(key.state is KeyState.ACTIVE for key in inventory.keys_of(name))
    allowed = {
        each
        for account in owner.accounts
        if account.login in owner.logins_for(name)
        for each in (
            *(account.domains or owner.domains),
            *((inventory.settings.bounce_domain,) if account.return_tag else ()),
        )
    }
    below = owner.subdomains
    return [checks.check_alignment(name, policy, signed=signed, below=below, allowed=allowed, used=used)]


async def fleet(inventory: Inventory, dns: Dns) -> tuple[Finding, ...]:
    """What is to be said of the fleet's own names and addresses."""
    settings, dns = inventory.settings, _Heard(dns)
    records = fleet_records(inventory)
    # Names and ways back of egress addresses are looked at as receivers do, not for being what we'd publish.
    egress = {address.reverse_pointer for address in inventory.egress_addresses}
    egress |= {inventory.fqdn(host) for host in inventory.group("backends")}
    tls_wanted = {r.purpose: r.value for r in records if r.purpose in {"mta-sts", "tls-rpt"}}
    # Of the ways back of others only that of the fleet's public address is anybody's business.
    known = egress | {settings.virtual_address.reverse_pointer}
    plain = [r for r in records if r.purpose not in tls_wanted and (r.type != "PTR" or r.name in known)]
    sets = group_by_owner(tuple(r for r in plain if r.name not in egress or r.type == "TXT")).values()
    work: list[Awaitable[list[Finding]]] = [_records(wanted, dns) for wanted in sets]
    for host in inventory.group("backends"):
        helo = inventory.fqdn(host)
        work += [checks.check_egress(address, helo, dns) for address in host.egress_addresses]
    spf = next(r for r in records if r.name == settings.bounce_domain and r.purpose == "spf")
    work += [
        checks.check_spf(spf, inventory.egress_addresses, dns),
        checks.check_replies(settings.bounce_domain, dns),
        checks.check_reporting(settings.bounce_domain, tls_wanted, dns),
    ]
    # Every customer's SPF record and keys lead into these, and so do the names in HELO.
    for zone in dict.fromkeys((settings.domain, settings.dkim_zone, settings.spf_name.partition(".")[2])):
        work += [checks.check_zone(zone, dns), checks.check_dnssec(zone, dns)]
    work += [
        _one(checks.check_blocklist(address, blocklist, dns))
        for address in inventory.egress_addresses
        for blocklist in settings.blocklists
    ]
    found = await asyncio.gather(*work)
    return (*(finding for some in found for finding in some), *dns.long_lived(records))


async def _keys(inventory: Inventory, name: str, records: Iterable[Record], dns: Dns) -> list[Finding]:
    """Each key that verifiers may ask for, and the aliases of slots to come: rotation is to need nobody.

    While others sign, what is wrong with keys that are under way is advice: these wait until it is right.
    """
    unused = checks.check_signing(name, inventory.keys_of(name))
    held = [key for key in inventory.keys_of(name) if key.state in PUBLISHED - {KeyState.REVOKED}]
    if not held:
        return unused
    wanted = [dkim_needed(inventory, key) for key in held]
    answers = await asyncio.gather(*(dns.ask_all(record.name, "TXT") for record in wanted))
    signed = any(key.state is KeyState.ACTIVE for key in held)
    found = [
        _advice(finding) if signed and key.state in COMING else finding
        for key, record, said in zip(held, wanted, answers, strict=True)
        for finding in checks.check_dkim(key, record, settled(said))
    ]
    asked = {record.name for record in wanted}
    later = [r for r in records if r.purpose == "dkim-cname" and r.name not in asked]
    found += [each for some in await asyncio.gather(*(_records([r], dns) for r in later)) for each in some]
    return [*unused, *found]


def _advice(finding: Finding) -> Finding:
    return replace(finding, status=Status.WARN) if finding.status is Status.FAIL else finding


async def _sites(records: tuple[Record, ...], dns: Dns) -> list[Finding]:
    """Where a list server is found: by links in mail that was sent, and by who writes to its lists."""
    sets = group_by_owner(tuple(record for record in records if record.purpose in LIST_SERVER)).values()
    return [each for some in await asyncio.gather(*(_records(one, dns) for one in sets)) for each in some]


async def _records(wanted: Sequence[Record], dns: Dns) -> list[Finding]:
    return checks.check_records(wanted, settled(await dns.ask_all(wanted[0].name, wanted[0].type)))


async def _one(finding: Awaitable[Finding]) -> list[Finding]:
    return [await finding]


async def _in_time(work: Awaitable[tuple[Finding, ...]], subject: str, longest: float) -> tuple[Finding, ...]:
    try:
        return await asyncio.wait_for(work, longest)
    except TimeoutError:
        seen = f"not to be found out within {longest:.0f} s"
        return (Finding("time", subject, Status.UNKNOWN, seen, "", "Ask again when its name servers answer"),)
