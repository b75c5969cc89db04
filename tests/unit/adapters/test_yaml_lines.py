"""Lists changed by their lines say what they would say if they were read, changed and written whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.adapters import yaml_lines
from provisioner.adapters.yaml_files import parse
from provisioner.core.documents import Encrypted

TEXT = """\
---
# keys of acme
  - selector: s1  # the first
    state: active
    since: '2026-01-01T00:00:00+00:00'
    # what only the vault opens
    private: !vault |
      $ANSIBLE_VAULT;1.1;AES256
      6162
  - selector: e1
    state: active
"""
STRINGS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=12)
FIELDS = st.dictionaries(
    st.sampled_from(("state", "since", "signed", "leaked", "slot")), STRINGS | st.booleans() | st.integers()
)


def test_fields_are_set_added_and_removed_and_all_else_keeps_its_bytes() -> None:
    wanted: Mapping[str, Mapping[str, yaml_lines.Value | None]] = {
        "s1": {"state": "retiring", "since": None, "signed": "2026-02-01T00:00:00+00:00"},
        "e9": {"state": "gone"},
    }
    changed = yaml_lines.change(TEXT, wanted, "selector")
    assert changed == TEXT.replace("state: active", "state: retiring", 1).replace(
        "    since: '2026-01-01T00:00:00+00:00'\n", ""
    ).replace("# the first\n", "# the first\n    signed: '2026-02-01T00:00:00+00:00'\n")
    same = {"s1": {"state": "active", "since": "2026-01-01T00:00:00+00:00", "signed": None}}
    assert yaml_lines.change(TEXT, same, "selector") == TEXT


def test_entries_come_and_go() -> None:
    entry: dict[str, yaml_lines.Value] = {"selector": "no", "slot": 2, "private": Encrypted("$A\n61\n")}
    longer = yaml_lines.append(TEXT, [entry])
    assert longer.startswith(TEXT)
    assert parse(longer)[-1] == entry  # type: ignore[index]
    assert yaml_lines.remove(longer, {"no"}, "selector") == TEXT
    rest = yaml_lines.remove(longer, {"s1", "no"}, "selector")
    assert "6162" not in rest
    assert parse(rest) == [{"selector": "e1", "state": "active"}]
    assert parse(yaml_lines.remove(TEXT, {"s1", "e1"}, "selector")) == []
    assert parse(yaml_lines.append(yaml_lines.new_list(()), [entry])) == [entry]


@pytest.mark.parametrize("text", ["{a: b}", "- {selector: s1}", "- one", "[{selector: s1}]"])
def test_what_is_not_such_a_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a list of mappings in block style"):
        yaml_lines.change(text, {}, "selector")


@given(st.lists(FIELDS, min_size=1, max_size=4), st.dictionaries(st.integers(0, 3), FIELDS), st.data())
def test_a_change_is_a_change_of_what_is_read(
    entries: list[dict[str, Any]], changes: dict[int, dict[str, Any]], data: st.DataObject
) -> None:
    named = [{"selector": f"s{number}", **fields} for number, fields in enumerate(entries)]
    removed = {number: data.draw(st.sets(st.sampled_from(("since", "slot")))) for number in changes}
    wanted = {f"s{n}": {**fields, **dict.fromkeys(removed[n])} for n, fields in changes.items()}
    text = yaml_lines.change(yaml_lines.new_list(named), wanted, "selector")
    expected = []
    for entry in named:
        merged = {**entry, **wanted.get(str(entry["selector"]), {})}
        expected.append({name: value for name, value in merged.items() if value is not None})
    assert parse(text) == expected
