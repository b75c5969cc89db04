"""Whether a domain lets an address send (RFC 7208 4), with the way to the result. The lookup is passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_network
from typing import ClassVar

from provisioner.core.answers import Answer, Ask, Outcome
from provisioner.core.fleet import Address
from provisioner.core.names import is_within
from provisioner.core.spf.macros import Facts, expand, is_name, target, wants_name
from provisioner.core.spf.terms import Mechanism, SpfRecord, SpfResult, SpfSyntaxError, is_spf, parse

MAX_LOOKUPS = 10
MAX_VOID = 2
MAX_HOSTS = 10


@dataclass(frozen=True)
class SpfVerdict:
    """A result, why in words, what it cost, and each term that was looked at on the way.

    explanation: what the domain wants refused senders to be told; empty for the default. kinds: of the
    mechanisms looked at, in whatever record.
    """

    result: SpfResult
    reason: str
    lookups: int = 0
    void: int = 0
    explanation: str = ""
    trace: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()


class _StopError(Exception):
    """Evaluation cannot go on."""

    def __init__(self, result: SpfResult, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


async def evaluate(
    ask: Ask, domain: str, address: Address, sender: str = "", helo: str = "", receiver: str = "unknown"
) -> SpfVerdict:
    """Whether `domain`, as it is in DNS, lets `address` send mail from it.

    sender: MAIL FROM, for macros; postmaster at the domain when empty. helo: what the client says it is.
    """
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    local, _, sender_domain = (sender or f"postmaster@{domain}").rpartition("@")
    facts = Facts(local or "postmaster", sender_domain, helo, mapped or address, receiver=receiver)
    run = _Evaluation(ask, facts)
    explanation = ""
    try:
        result, reason = await run.check(domain.removesuffix("."))
        if result is SpfResult.FAIL:
            explanation = await run.explain()
    except _StopError as stop:
        result, reason = stop.result, stop.reason
    trace, kinds = tuple(run.trace), frozenset(run.kinds)
    return SpfVerdict(result, reason, run.lookups, run.void, explanation, trace, kinds)


def with_answer(ask: Ask, known: Answer) -> Ask:
    """DNS in which one question has this answer, as one server of several gives it."""

    async def asked(name: str, kind: str) -> Answer:
        return known if (name.lower(), kind) == (known.name, known.type) else await ask(name, kind)

    return asked


class _Evaluation:
    """One evaluation with its limits, which count over all included records together (RFC 7208 4.6.4)."""

    def __init__(self, lookup: Ask, facts: Facts) -> None:
        self._lookup = lookup
        self._facts = facts
        self._address = facts.address
        self.lookups = 0
        self.void = 0
        self.trace: list[str] = []
        self.kinds: set[str] = set()
        self._told: tuple[str, str] = ("", "")

    async def check(self, domain: str) -> tuple[SpfResult, str]:
        """The result of a domain's record. Raises _StopError."""
        if not is_name(domain) or "." not in domain:
            return SpfResult.NONE, f"{domain!r} is no domain"
        record = await self._record(domain)
        if record is None:
            return SpfResult.NONE, f"{domain} has no SPF record"
        for mechanism in record.mechanisms:
            self.kinds.add(mechanism.kind)
            matches = await self._matches(mechanism, domain)
            self.trace.append(f"{domain}: {mechanism.text} {'matches' if matches else 'does not match'}")
            if matches:
                self._told = (record.explanation, domain)
                return mechanism.result, f"{mechanism.text} in the record of {domain}"
        if not record.redirect:
            return SpfResult.NEUTRAL, f"nothing in the record of {domain} matches"
        self._count()
        self.trace.append(f"{domain}: redirect={record.redirect}")
        result, reason = await self.check(await self._target(record.redirect, domain))
        if result is SpfResult.NONE:
            raise _StopError(SpfResult.PERMERROR, f"redirect in {domain}: {reason}")
        return result, reason

    async def explain(self) -> str:
        """What the record that decided has refused senders told (RFC 7208 6.2); empty on any fault."""
        spec, domain = self._told
        try:
            name = await self._target(spec, domain) if spec else ""
            answer = await self._lookup(name, "TXT") if name else None
            if answer is None or answer.outcome is not Outcome.FOUND or len(answer.values) != 1:
                return ""
            text = answer.values[0]
            return expand(text, domain, await self._facts_for(text, domain)) if text.isascii() else ""
        except (SpfSyntaxError, _StopError):
            return ""

    async def _record(self, domain: str) -> SpfRecord | None:
        answer = await self._lookup(domain, "TXT")
        if not answer.certain:
            raise _StopError(SpfResult.TEMPERROR, f"TXT of {domain}: {answer.outcome.value}")
        records = [value for value in answer.values if is_spf(value)]
        if len(records) > 1:
            raise _StopError(SpfResult.PERMERROR, f"{domain} has {len(records)} SPF records")
        try:
            return parse(records[0]) if records else None
        except SpfSyntaxError as error:
            raise _StopError(SpfResult.PERMERROR, f"{error} in the record of {domain}") from error

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.kind == "all":
            return True
        if (network := mechanism.network) is not None:
            return network.version == self._address.version and self._address in network
        self._count()
        name = await self._target(mechanism.domain, domain) if mechanism.domain else domain
        return await self._ASKING[mechanism.kind](self, name, mechanism)

    async def _include(self, domain: str, _: Mechanism) -> bool:
        before = self._told
        result, reason = await self.check(domain)
        self._told = before
        if result is SpfResult.NONE:
            raise _StopError(SpfResult.PERMERROR, f"include: {reason}")
        return result is SpfResult.PASS

    async def _a(self, name: str, mechanism: Mechanism) -> bool:
        kind, length = ("A", mechanism.four) if self._address.version == 4 else ("AAAA", mechanism.six)
        return any(
            self._address in ip_network(f"{value}/{length}", strict=False)
            for value in await self._ask(name, kind)
        )

    async def _mx(self, name: str, mechanism: Mechanism) -> bool:
        hosts = [value.split()[-1] for value in await self._ask(name, "MX")]
        if len(hosts) > MAX_HOSTS:
            raise _StopError(SpfResult.PERMERROR, f"{name} has more than {MAX_HOSTS} MX records")
        for host in hosts:
            if await self._a(host, mechanism):
                return True
        return False

    async def _exists(self, name: str, _: Mechanism) -> bool:
        return bool(await self._ask(name, "A"))

    async def _ptr(self, name: str, _: Mechanism) -> bool:
        return any(is_within(host, name.lower()) for host in await self._names())

    _ASKING: ClassVar = {"include": _include, "a": _a, "mx": _mx, "exists": _exists, "ptr": _ptr}

    async def _names(self) -> list[str]:
        """The client's names that lead back to its address (RFC 7208 5.5); doubt is no name."""
        kind = "A" if self._address.version == 4 else "AAAA"
        answer = await self._lookup(self._address.reverse_pointer, "PTR")
        self._weigh(answer)
        names = []
        for name in answer.values[:MAX_HOSTS]:
            forward = await self._lookup(name, kind)
            if str(self._address) in forward.values:
                names.append(name.lower())
        return names

    async def _facts_for(self, text: str, domain: str) -> Facts:
        """What macros stand for; only for the client's name, which they rarely want, is DNS asked."""
        return replace(self._facts, validated=await self._name(domain)) if wants_name(text) else self._facts

    async def _name(self, domain: str) -> str:
        """The client's name for the macro p: the domain's own, else one below it, else any (RFC 7208 7.3)."""
        names = await self._names()
        for fits in (lambda n: n == domain.lower(), lambda n: is_within(n, domain.lower()), lambda _: True):
            if found := next(filter(fits, names), ""):
                return found
        return "unknown"

    async def _target(self, spec: str, domain: str) -> str:
        try:
            return target(spec, domain, await self._facts_for(spec, domain))
        except SpfSyntaxError as error:
            raise _StopError(SpfResult.PERMERROR, f"{error} in the record of {domain}") from error

    async def _ask(self, name: str, kind: str) -> tuple[str, ...]:
        if not name:
            return ()
        answer = await self._lookup(name, kind)
        if not answer.certain:
            raise _StopError(SpfResult.TEMPERROR, f"{kind} of {name}: {answer.outcome.value}")
        self._weigh(answer)
        return answer.values

    def _weigh(self, answer: Answer) -> None:
        if answer.certain and answer.outcome is not Outcome.FOUND:
            self.void += 1
            if self.void > MAX_VOID:
                raise _StopError(SpfResult.PERMERROR, f"more than {MAX_VOID} lookups found nothing")

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise _StopError(SpfResult.PERMERROR, f"more than {MAX_LOOKUPS} lookups")
