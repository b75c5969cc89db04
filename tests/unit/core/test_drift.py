"""The one place that differs is named."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime

from provisioner.core.dkim import DkimKey, KeyState
from provisioner.core.drift import SignerKeys, drift
from provisioner.core.findings import Finding, Status
from provisioner.core.key_slots import HELD

KEY = DkimKey.model_validate(
    {
        "domain": "acme.example",
        "selector": "e1",
        "algorithm": "ed25519",
        "slot": 1,
        "state": "active",
        "created": datetime(2025, 1, 1, tzinfo=UTC),
        "public": base64.b64encode(bytes(range(32))).decode(),
    }
)
RIGHT = SignerKeys({"acme.example": {"e1": KEY.id}}, {KEY.id: KEY.id})
WRONG = replace(RIGHT, holds={KEY.id: "f" * 64})
SEEN = Finding("dkim", "e1._domainkey.acme.example", Status.PASS, "", "ns1")


def found(
    key: DkimKey = KEY,
    be2: SignerKeys = RIGHT,
    dns: Finding = SEEN,
    private: str = KEY.id,
    be1: SignerKeys = RIGHT,
) -> list[tuple[str, str, str]]:
    needed = {key.id} if key.state in HELD else set()
    findings = drift([key], {"be1": be1, "be2": be2}, {key.id: [dns]}, {key.id: private}, needed)
    return [(each.status.value, each.server, each.seen) for each in findings]


def test_all_agree() -> None:
    assert found() == [("pass", "", f"active: inventory, be1, be2, DNS agree on {KEY.id[:16]}")]


def test_the_odd_one_is_named() -> None:
    assert found(be2=WRONG) == [("fail", "be2", f"holds another key in its place: {'f' * 16}")]
    assert found(be2=replace(RIGHT, holds={})) == [("fail", "be2", "does not hold it")]
    assert found(be2=replace(RIGHT, signs={})) == [("fail", "be2", "does not sign with it")]
    assert found(be2=SignerKeys(away="no answer")) == [("unknown", "be2", "no answer")]
    assert found(private="f" * 64) == [
        ("fail", "inventory", f"the private half is another key's: {'f' * 16}")
    ]
    other = replace(SEEN, status=Status.FAIL, seen="another key")
    assert found(dns=other) == [("fail", "ns1", "another key")]
    both = {"e1": KEY.id, "e9": KEY.id}
    stranger = found(be2=replace(RIGHT, signs={"acme.example": both}))
    assert stranger[1] == ("fail", "be2", "signs with it against the inventory")


def test_what_lies_at_a_signer_needlessly_is_named() -> None:
    stray = ("fail", "be2", "holds it, and nobody needs it there")
    assert found(be2=replace(RIGHT, stray=("0" * 64,)))[1:] == [stray]
    none = SignerKeys()
    revoked = KEY.model_copy(update={"state": KeyState.REVOKED})
    assert found(revoked, be1=none, be2=replace(none, stray=(KEY.id,)))[1:] == [stray]
    assert [each[0] for each in found(revoked, be1=none, be2=none)] == ["pass"]


def test_an_inventory_that_all_others_differ_from_is_the_odd_one() -> None:
    other = replace(SEEN, status=Status.FAIL, seen="another key")
    findings = drift([KEY], {"be1": WRONG, "be2": WRONG}, {KEY.id: [other]}, {}, {KEY.id})
    assert {each.fix for each in findings} == {
        "Signers and DNS differ from the inventory alike: it is the odd one; restore it from a backup"
    }


def test_keys_on_their_way_and_gone_are_not_asked_for_where_they_are_not() -> None:
    for state in ("generated", "revoked"):
        key = KEY.model_copy(update={"state": KeyState(state)})
        findings = drift([key], {"be1": SignerKeys()}, {}, {}, ())
        assert [each.status for each in findings] == [Status.PASS]
    coming = KEY.model_copy(update={"state": KeyState.DISTRIBUTED})
    assert (
        drift([coming], {"be1": SignerKeys({}, {KEY.id: KEY.id})}, {}, {}, {KEY.id})[0].status is Status.PASS
    )
