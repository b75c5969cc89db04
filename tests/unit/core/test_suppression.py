from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.suppression import NOTE_LENGTH, Entry, Reason, entry, normal, parse, render

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BY_HAND = Reason.MANUAL


def read(text: str) -> list[Entry]:
    entries, faults = parse(text, "list.csv", BY_HAND, NOW)
    assert not faults
    return entries


def test_a_list_of_bare_addresses() -> None:
    assert read("Anna@Acme.example\n\n bob@bücher.example \nanna@acme.example\n") == [
        Entry("anna@acme.example", BY_HAND, NOW),
        Entry("bob@xn--bcher-kva.example", BY_HAND, NOW),
    ]


def test_a_table_says_why_and_since_when() -> None:
    text = "\ufeffAddress,Reason,At,Note\na@b.example,bounce,2026-01-02,550 no such user\nc@d.example,,,\n"
    assert read(text) == [
        Entry("a@b.example", Reason.BOUNCE, datetime(2026, 1, 2, tzinfo=UTC), "550 no such user"),
        Entry("c@d.example", BY_HAND, NOW),
    ]


def test_every_fault_is_told_with_its_line() -> None:
    rows = ("nobody,,,", "a@b.example,spite,,", "c@d.example,,yesterday,", f"e@f.example,,,{'x' * 300}")
    text = "\n".join(("address,reason,at,note", *rows))
    entries, faults = parse(text, "list.csv", BY_HAND, NOW)
    assert not entries
    assert [fault.line for fault in faults] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "address\n", "address,colour\na@b.example,red\n", "a@b.example\n\x00,\n"]
)
def test_a_file_that_is_no_list(text: str) -> None:
    _, faults = parse(text, "list.csv", BY_HAND, NOW)
    assert faults


def test_addresses_are_the_same_however_they_are_written() -> None:
    assert normal(" Anna.B@Example.COM ") == normal("anna.b@example.com")


@given(
    st.lists(
        st.builds(
            entry,
            st.from_regex(r"[a-z][a-z0-9]{0,20}@[a-z]{1,20}\.example", fullmatch=True),
            st.sampled_from(Reason),
            st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
                lambda at: at.replace(microsecond=0, tzinfo=UTC)
            ),
            st.text(
                st.characters(codec="utf-8", exclude_characters="\x00", categories=["L", "N", "P", "S"]),
                max_size=NOTE_LENGTH,
            ),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda each: each.address,
    )
)
def test_what_is_written_is_read_back(entries: list[Entry]) -> None:
    assert read(render(entries)) == entries
