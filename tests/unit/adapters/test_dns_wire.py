"""Questions over the wire, to servers that know no EDNS, and to one that many ask at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import pytest

from provisioner.adapters.dns_wire import AT_ONE_SERVER, Question, Wire
from provisioner.core.answers import Answer, Outcome
from tests.dns_server import Answering, Dns, scripted, serving

HERE, OLD = "127.0.0.1", "127.0.0.4"
NAME = "s1.dkim.operator.example"
KEY = "v=DKIM1; k=rsa; p=AAAA"
OPT = bytes.fromhex("00 0029 04d0 00000000 0000")
MANY = 3 * AT_ONE_SERVER


@pytest.fixture
def world() -> Iterator[Dns]:
    data = Dns()
    data.zone("dkim.operator.example")
    data.add(NAME, "TXT", f'"{KEY}"')
    with serving(data):
        yield data


def refused(code: int, *, whole: bool = True) -> Answering:
    """An answer without records: with the question in it, or nothing but its head."""
    return lambda wire: (
        wire[:2] + bytes([0x84, code]) + (wire[4:10] + bytes(2) + wire[12:-11] if whole else bytes(8))
    )


def bad_version(wire: bytes) -> bytes:
    """Its code begins in the header, where it looks like none, and goes on in the OPT record."""
    response = dns.message.make_response(dns.message.from_wire(wire))
    response.set_rcode(dns.rcode.BADVERS)
    head = bytearray(response.to_wire())
    head[2] |= 0x04
    return bytes(head)


WAYS: dict[str, Answering] = {
    "FORMERR": refused(dns.rcode.FORMERR),
    "FORMERR and no more": refused(dns.rcode.FORMERR, whole=False),
    "NOTIMP": refused(dns.rcode.NOTIMP),
    "BADVERS": bad_version,
}


def ask(port: int, kind: str = "TXT") -> Answer:
    wire = Wire(port=port, timeout=1.0)
    return asyncio.run(wire.ask(Question(OLD, NAME, kind, authority=True)))


def has_opt(wire: bytes) -> bool:
    return wire[10:12] != bytes(2)


@pytest.mark.parametrize("way", WAYS)
def test_who_knows_no_edns_is_asked_without(world: Dns, way: str) -> None:
    asked: list[bool] = []

    def answering(wire: bytes) -> bytes:
        asked.append(has_opt(wire))
        return WAYS[way](wire) if has_opt(wire) else world.answer(wire) or b""

    with scripted(OLD, world.port, answering):
        found = ask(world.port)
    assert (found.outcome, found.values) == (Outcome.FOUND, (KEY,))
    assert asked == [True, False]


@pytest.mark.parametrize("way", WAYS)
def test_who_does_not_understand_that_either_has_failed(world: Dns, way: str) -> None:
    asked: list[bool] = []

    def answering(wire: bytes) -> bytes:
        asked.append(has_opt(wire))
        # What is said is the same with an OPT record or without.
        return WAYS[way](wire if has_opt(wire) else wire[:10] + b"\0\1" + wire[12:] + OPT)

    with scripted(OLD, world.port, answering):
        found = ask(world.port)
    assert found.outcome is Outcome.SERVER_FAILED
    assert asked == [True, False]


def test_one_that_refuses_is_not_asked_again(world: Dns) -> None:
    asked: list[bool] = []

    def answering(wire: bytes) -> bytes:
        asked.append(has_opt(wire))
        return refused(dns.rcode.REFUSED)(wire)

    with scripted(OLD, world.port, answering):
        assert ask(world.port).outcome is Outcome.REFUSED
    assert asked == [True]


def test_a_server_has_only_so_many_questions_at_a_time(world: Dns) -> None:
    """However many there are for it; and others do not wait for it."""
    go_on, lock, under_way, most = threading.Event(), threading.Lock(), 0, 0

    def answering(wire: bytes) -> bytes:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        go_on.wait(10)
        with lock:
            under_way -= 1
        return world.answer(wire) or b""

    async def look() -> list[Answer]:
        wire = Wire(port=world.port, timeout=10.0)
        names = [f"{number}.dkim.operator.example" for number in range(MANY)]
        asked = [asyncio.create_task(wire.ask(Question(OLD, name, "A", authority=True))) for name in names]
        while most < AT_ONE_SERVER:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # for any that ought not to come
        elsewhere = await wire.ask(Question(HERE, NAME, "TXT", authority=True))
        assert elsewhere.outcome is Outcome.FOUND
        assert not any(each.done() for each in asked)
        go_on.set()
        return await asyncio.gather(*asked)

    with scripted(OLD, world.port, answering):
        found = asyncio.run(asyncio.wait_for(look(), 30))
    assert {each.outcome for each in found} == {Outcome.NO_SUCH_NAME}
    assert most == AT_ONE_SERVER
