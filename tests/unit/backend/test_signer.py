"""Which headers signatures cover, as the signer is told."""

from __future__ import annotations

import re
from pathlib import Path

SIGNER = Path(__file__).parents[3] / "roles/backend/templates/etc/rspamd/provisioner.lua.j2"
ADVISED = """
    From Reply-To Subject Date To Cc Resent-Date Resent-From Resent-To Resent-Cc In-Reply-To References
    List-Id List-Help List-Unsubscribe List-Subscribe List-Post List-Owner List-Archive
"""
"""RFC 6376 5.4.1."""
ONE_CLICK = "List-Unsubscribe List-Unsubscribe-Post"
"""RFC 8058 4."""
NEVER = "Return-Path Received Comments Keywords DKIM-Signature"
"""RFC 6376 5.4.1: others may change them on the way."""


def covered() -> dict[str, str]:
    """Header → how it is signed: o, once more than it is there; x, the same where there is one."""
    text = SIGNER.read_text()
    (listed,) = re.findall(r"local HEADERS = table\.concat\(\{(.*?)\}, \":\"\)", text, re.S)
    found = re.findall(r'"\((\w)\)([a-z-]+)"', listed)
    assert len(found) == listed.count('"') // 2
    assert len({name for _, name in found}) == len(found)
    return {name: how for how, name in found}


def test_signatures_cover_all_that_is_advised_and_one_click_needs() -> None:
    assert {*ADVISED.lower().split(), *ONE_CLICK.lower().split()} <= set(covered())


def test_signatures_cover_nothing_that_changes_on_the_way() -> None:
    assert not set(NEVER.lower().split()) & set(covered())


def test_no_header_can_be_added_beside_one_that_is_signed() -> None:
    assert covered().pop("from") == "o"
    assert set(covered().values()) == {"o", "x"}
