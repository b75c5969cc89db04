"""What aligns with From:, as far as it is known."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from provisioner.core.checks import check_alignment
from provisioner.core.dmarc import parse
from provisioner.core.findings import Finding, Status

RELAXED, STRICT = "v=DMARC1; p=none", "v=DMARC1; p=none; adkim=s; aspf=s"


def align(
    record: str = RELAXED,
    *,
    signed: bool = True,
    below: bool = False,
    allowed: Collection[str] = ("acme.example",),
    used: Collection[str] | None = None,
) -> Finding:
    policy = parse(record)
    return check_alignment("acme.example", policy, signed=signed, below=below, allowed=allowed, used=used)


def test_what_nobody_signs_does_not_align() -> None:
    found = align(signed=False)
    assert (found.status, found.seen) == (Status.FAIL, "nothing is signed as acme.example")


def test_names_below_do_not_align_strictly() -> None:
    assert align(STRICT, below=True).status is Status.FAIL
    assert align(STRICT).status is Status.PASS
    assert align(below=True).status is Status.PASS


@pytest.mark.parametrize(
    ("record", "allowed", "away"),
    [
        (RELAXED, ("acme.example", "shop.acme.example"), ""),
        (STRICT, ("acme.example", "shop.acme.example"), "shop.acme.example"),
        (RELAXED, ("acme.example", "acme.it"), "acme.it"),
    ],
)
def test_what_is_not_known_of_return_paths_is_told(record: str, allowed: Collection[str], away: str) -> None:
    found = align(record, allowed=allowed)
    assert found.status is Status.PASS
    assert ("--live" in found.seen) == bool(away)
    assert f"in {away} would" in found.seen or not away


@pytest.mark.parametrize(
    ("record", "used", "status"),
    [
        (RELAXED, ("acme.it",), Status.WARN),
        (RELAXED, ("acme.it", "acme.example"), Status.PASS),
        (RELAXED, ("bounce.acme.example",), Status.PASS),
        (STRICT, ("bounce.acme.example",), Status.WARN),
        (RELAXED, (), Status.PASS),
    ],
)
def test_return_paths_that_were_seen(record: str, used: Collection[str], status: Status) -> None:
    found = align(record, used=used)
    assert found.status is status
    if status is Status.WARN:
        assert "signature alone has to carry DMARC" in found.fix
        assert used
        assert used[0] in found.seen  # type: ignore[index]
