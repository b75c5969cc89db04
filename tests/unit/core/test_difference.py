from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.difference import difference
from provisioner.core.findings import Finding, Status, together, worst_first


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_pieces_are_what_was_seen(expected: str, seen: str) -> None:
    assert "".join(part.text for part in difference(expected, seen)) == seen
    assert not any(part.odd for part in difference(seen, seen))


def test_what_is_odd_is_marked() -> None:
    parts = difference(
        "v=DMARC1; p=none; rua=mailto:a@b.example", "v=DMARC1; p=monitor; rua=mailto:a@b.example"
    )
    assert [part.text for part in parts if part.odd] == ["p=monitor"]


def test_servers_that_say_alike_are_told_once() -> None:
    alike = [Finding("spf", "a.example", Status.FAIL, "none", f"ns{n}") for n in (1, 2)]
    other = Finding("spf", "a.example", Status.PASS, "pass", "ns3")
    assert [each.server for each in together([*alike, other])] == ["ns1; ns2", "ns3"]
    assert worst_first([other, *alike])[0].status is Status.FAIL
