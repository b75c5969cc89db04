"""One word for what all servers say of a slot's keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.core.answers import Answer, Outcome
from provisioner.core.dkim import KeyState
from provisioner.core.key_look import Asked, look
from provisioner.core.key_slots import Dns, On, Seen
from provisioner.core.records import Zone
from tests.unit.core.test_checks import CNAME, HELD, OWNER, TARGET

TTL = timedelta(minutes=5)
REVOKED = HELD.model_copy(update={"state": KeyState.REVOKED})
EXACT = HELD.record.render()


def answer(*values: str, chain: tuple[str, ...] = (TARGET,), outcome: Outcome = Outcome.FOUND) -> Answer:
    return Answer(OWNER, "TXT", outcome, values, chain, "ns1", 5)


def revoked(*answers: Answer) -> Seen:
    return look([Asked(REVOKED, CNAME, answers)], TTL)


def test_keys_are_exact_when_every_server_has_them() -> None:
    first = answer(EXACT)
    other = replace(first, server="ns2", ttl=900)
    found = look([Asked(HELD, CNAME, [first, other])], TTL)
    assert (found.dns, found.ttl, found.said) == (Dns.EXACT, timedelta(minutes=15), "exact at ns1, ns2")
    stale = replace(other, values=("v=DKIM1; p=",))
    assert look([Asked(HELD, CNAME, [first, stale])], TTL).dns is Dns.DIFFERENT
    assert look([], TTL).dns is Dns.DOUBT


def test_an_alias_that_leads_elsewhere_is_told_whatever_is_there() -> None:
    away = answer(EXACT, chain=("e1.other.example",))
    for key in (HELD, None):
        found = look([Asked(key, CNAME, [answer(EXACT), away])], TTL)
        assert (found.dns, found.on) == (Dns.ELSEWHERE, On.CUSTOMER)
        assert f"e1.other.example → {EXACT} (ns1). Change it: {OWNER} CNAME {TARGET}" in found.said
    detour = answer(EXACT, chain=("e1.other.example", TARGET))
    assert look([Asked(HELD, CNAME, [detour])], TTL).dns is Dns.EXACT
    assert look([Asked(None, CNAME, [detour])], TTL).dns is Dns.DOUBT
    by_hand = replace(CNAME, type="TXT", value=EXACT)
    assert look([Asked(HELD, by_hand, [away])], TTL).dns is Dns.EXACT


@pytest.mark.parametrize("value", ["v=DKIM1; k=ed25519; p=", "v=spf1 -all", f"p={'B' * 44}"])
def test_a_revoked_key_is_gone_where_nobody_can_verify_with_it(value: str) -> None:
    nothing = answer(outcome=Outcome.NO_SUCH_NAME)
    found = revoked(answer(value), nothing)
    assert (found.dns, found.said) == (Dns.EXACT, "gone at ns1")


@pytest.mark.parametrize("value", [EXACT, f"p = {HELD.public[:9]} {HELD.public[9:]}", f"; p={HELD.public}"])
def test_a_revoked_key_is_not_gone_while_one_server_has_it_in_any_form(value: str) -> None:
    nothing = answer(outcome=Outcome.NO_DATA)
    found = revoked(nothing, answer(value))
    assert (found.dns, found.on) == (Dns.DIFFERENT, On.DNS)
    assert "the revoked key is still there (ns1). Run: provisioner dns publish acme.example" in found.said
    by_hand = revoked(answer(value, chain=()))
    assert (by_hand.on, f"Remove the TXT record {OWNER}" in by_hand.said) == (On.CUSTOMER, True)
    elsewhere = revoked(answer(value, chain=("e1.other.example",)))
    assert "Remove the TXT record e1.other.example" in elsewhere.said


def test_a_doubt_is_about_whoever_keeps_silent() -> None:
    led, silent = answer(outcome=Outcome.SERVER_FAILED), answer(chain=(), outcome=Outcome.TIMEOUT)
    ours = replace(CNAME, type="TXT", name=TARGET, value=EXACT, zone=Zone.OPERATOR)
    for wanted, given, on in [(CNAME, led, On.DNS), (CNAME, silent, On.CUSTOMER), (ours, silent, On.DNS)]:
        found = look([Asked(HELD, wanted, [answer(EXACT, chain=led.chain), given])], TTL)
        assert found.on is on


def test_a_server_in_doubt_says_nothing_of_a_revoked_key() -> None:
    assert revoked(answer("p="), answer(outcome=Outcome.TIMEOUT)).dns is Dns.DOUBT
