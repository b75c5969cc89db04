"""Ask DNS: one given server, or every server that has authority over a name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import dns.resolver

from provisioner.adapters.dns_wire import Question, Wire
from provisioner.core.answers import Answer, Chain, Dnssec, Outcome
from provisioner.core.errors import UsageError
from provisioner.core.names import is_within

_MAX_ZONES = 6
_MAX_ALIASES = 8


class OneServer:
    """Asks one server, recursively, and believes it: what `--resolver` says, or the first step of a walk."""

    def __init__(self, server: str, wire: Wire | None = None) -> None:
        self._server, self._wire = server, wire or Wire()

    async def ask(self, name: str, kind: str) -> Answer:
        """The server's answer. Of a circle of CNAMEs it says only that it failed, so one is looked for."""
        answer = await self._ask(name, kind)
        if answer.outcome is Outcome.SERVER_FAILED and kind != "CNAME":
            return await self._circle(answer)
        return answer

    async def _ask(self, name: str, kind: str) -> Answer:
        return await self._wire.ask(Question(self._server, name, kind, authority=False))

    async def _circle(self, failed: Answer) -> Answer:
        """The answer with the circle that a name's CNAMEs go in; as it is where they go in none."""
        way = [failed.name.lower()]
        while len(way) <= _MAX_ALIASES:
            alias = await self._ask(way[-1], "CNAME")
            if alias.outcome is not Outcome.FOUND:
                break
            way += alias.values[:1]
            if way[-1] in way[:-1]:
                return replace(failed, outcome=Outcome.LOOP, chain=tuple(way[1:]))
        return failed

    async def ask_all(self, name: str, kind: str) -> tuple[Answer, ...]:
        """The same, as the one server asked."""
        return (await self.ask(name, kind),)

    async def dnssec(self, name: str) -> Dnssec:
        """How it stands with the zone that a name is in, by what this server gives."""
        zone = await self.zone_of(name)
        if isinstance(zone, Answer):
            return Dnssec(name, Chain.UNKNOWN, zone.seen, zone.server)
        return await _dnssec(self, self._wire, zone, ((self._server, self._server),))

    async def zone_of(self, name: str) -> str | Answer:
        """The zone that a name is in, or the answer that was none."""
        while True:
            answer = await self.ask(name, "SOA")
            if not answer.certain:
                return answer
            if answer.zone and not answer.chain:
                return answer.zone
            name = name.partition(".")[2]
            if not name:
                return replace(answer, outcome=Outcome.SERVER_FAILED, server="no zone found", chain=())


@dataclass(frozen=True)
class _Authority:
    """A zone and those who serve it: (name, address) of each server."""

    zone: str
    servers: tuple[tuple[str, str], ...]
    lost: tuple[Answer, ...] = ()
    """For each server whose address was not found, why."""


class Authorities:
    """Asks the servers that have authority, found through a resolver, so that no cache stands between."""

    def __init__(
        self, resolver: str | None = None, wire: Wire | None = None, whole: Collection[str] = ()
    ) -> None:
        """`resolver`: the address of a recursive server; None: the system's.

        whole: names below which nothing is expected to be delegated: one question finds the servers for all
        there is of each. Where a server says that it is otherwise, it is looked for.
        """
        self._wire = wire or Wire()
        self._whole = frozenset(whole)
        self._start = OneServer(resolver or system_resolver(), self._wire)
        self._of_name: dict[str, asyncio.Task[_Authority | Answer]] = {}
        self._of_zone: dict[str, asyncio.Task[_Authority | Answer]] = {}

    async def ask(self, name: str, kind: str) -> Answer:
        """The first answer that is one, of the servers with authority."""
        answers = await self.ask_all(name, kind)
        return next((answer for answer in answers if answer.certain), answers[0])

    async def ask_all(self, name: str, kind: str) -> tuple[Answer, ...]:
        """One answer for every server, and for every server of the zones that CNAMEs lead to."""
        return await self._follow(name, kind, ())

    async def dnssec(self, name: str) -> Dnssec:
        """How it stands with the zone that a name is in; at the worst of its servers."""
        authority = await _once(self._of_name, self._within(name), self._find_authority)
        if isinstance(authority, Answer):
            return Dnssec(name, Chain.UNKNOWN, authority.seen, authority.server)
        return await _dnssec(self._start, self._wire, authority.zone, authority.servers)

    async def _follow(self, name: str, kind: str, way: tuple[str, ...]) -> tuple[Answer, ...]:
        """way: the names whose CNAMEs led here from other servers."""
        answers = await self._ask_servers(self._within(name), name, kind, way)
        if name not in self._whole and any(answer.outcome is Outcome.LAME for answer in answers):
            return await self._ask_servers(name, name, kind, way)
        return answers

    def _within(self, name: str) -> str:
        """What to find the servers of: the nearest of the whole names that this one is in, else itself."""
        above = name
        while above and above not in self._whole:
            above = above.partition(".")[2]
        return above or name

    async def _ask_servers(
        self, where: str, name: str, kind: str, way: tuple[str, ...]
    ) -> tuple[Answer, ...]:
        authority = await _once(self._of_name, where, self._find_authority)
        if isinstance(authority, Answer):
            return (replace(authority, name=name, type=kind),)
        asked = [self._ask_one(authority.zone, server, name, kind, way) for server in authority.servers]
        answers = [answer for some in await asyncio.gather(*asked) for answer in some]
        return (*answers, *(replace(lost, name=name, type=kind) for lost in authority.lost))

    async def _ask_one(
        self, zone: str, server: tuple[str, str], name: str, kind: str, way: tuple[str, ...]
    ) -> tuple[Answer, ...]:
        host, address = server
        label = _label(host, address)
        answer = await self._wire.ask(Question(address, name, kind, authority=True), label)
        leaving = _elsewhere(answer, zone)
        if leaving is None:
            return (answer,)
        so_far = answer.chain[: answer.chain.index(leaving) + 1]
        passed = (*way, name.lower())
        if leaving in passed or len(passed) > _MAX_ZONES:
            return (replace(answer, outcome=Outcome.LOOP, values=(), chain=so_far),)
        return tuple(
            replace(
                further,
                name=name,
                chain=(*so_far, *further.chain),
                server=f"{label}, {further.server}",
                ttl=max(answer.ttl, further.ttl),
            )
            for further in await self._follow(leaving, kind, passed)
        )

    async def _find_authority(self, name: str) -> _Authority | Answer:
        """The zone of a name and its servers' addresses, or the answer that was none."""
        zone = await self._start.zone_of(name)
        return zone if isinstance(zone, Answer) else await _once(self._of_zone, zone, self._servers)

    async def _servers(self, zone: str) -> _Authority | Answer:
        names = await self._start.ask(zone, "NS")
        if names.outcome is not Outcome.FOUND:
            return _doubt(names)
        found = await asyncio.gather(*(self._addresses(server) for server in names.values))
        servers = tuple((answer.name, address) for answer in found for address in answer.values)
        lost = tuple(_doubt(answer) for answer in found if answer.outcome is not Outcome.FOUND)
        return _Authority(zone, servers, lost)

    async def _addresses(self, server: str) -> Answer:
        answer = await self._start.ask(server, "A")
        if answer.outcome is not Outcome.FOUND:
            # Only where there is no IPv4: many an operator's machine has no IPv6 to ask over.
            answer = await self._start.ask(server, "AAAA")
        return answer


def _elsewhere(answer: Answer, zone: str) -> str | None:
    """The name in an answer's chain that is to be asked of other servers; None where there is none."""
    if not answer.certain and answer.outcome is not Outcome.LAME:
        return None
    leaving = next((hop for hop in answer.chain if not is_within(hop, zone)), None)
    if leaving is None and answer.outcome is Outcome.LAME and answer.chain:
        # Its end is in a zone below this one, which is delegated.
        return answer.chain[-1]
    return leaving


async def _dnssec(start: OneServer, wire: Wire, zone: str, servers: tuple[tuple[str, str], ...]) -> Dnssec:
    """Ask the zone above whether it is signed, and if so each of the servers for its keys."""
    above = await start.ask(zone, "DS")
    if above.outcome is not Outcome.FOUND:
        state = Chain.UNSIGNED if above.certain else Chain.UNKNOWN
        return Dnssec(zone, state, above.seen if state is Chain.UNKNOWN else state.value, above.server)
    asked = (wire.dnssec(zone, above.values, address, _label(host, address)) for host, address in servers)
    found = await asyncio.gather(*asked)
    if not found:
        return Dnssec(zone, Chain.UNKNOWN, "none of its servers was found")
    return max(found, key=lambda each: _WORSE.index(each.state))


_WORSE = (Chain.SIGNED, Chain.ENDING, Chain.UNKNOWN, Chain.BROKEN)


def _label(host: str, address: str) -> str:
    """A server's name for people."""
    return f"{host} ({address})" if host != address else host


async def _once(
    known: dict[str, asyncio.Task[_Authority | Answer]],
    key: str,
    find: Callable[[str], Coroutine[Any, Any, _Authority | Answer]],
) -> _Authority | Answer:
    """What `find` says of a key: asked once, by whoever comes first, and again where that failed."""
    task = known.get(key)
    if task is None:
        task = known[key] = asyncio.create_task(find(key))
    result = await asyncio.shield(task)
    if isinstance(result, Answer):
        known.pop(key, None)
    return result


def _doubt(answer: Answer) -> Answer:
    """A name server that cannot be found is a failure of the way, and says nothing of what was asked."""
    failed = answer.outcome if not answer.certain else Outcome.SERVER_FAILED
    return replace(answer, outcome=failed, server=f"{answer.server} about {answer.name}", chain=())


def system_resolver() -> str:
    """The address of the machine's own resolver. Raises UsageError when it has none."""
    try:
        return str(dns.resolver.Resolver().nameservers[0])
    except dns.resolver.NoResolverConfiguration as error:
        raise UsageError("This machine knows no resolver", hint="Set fleet_dns_resolver") from error
