from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.adapters.yaml_files import (
    YamlError,
    edit,
    locate,
    parse,
    render,
    scalar,
    write_atomic,
)
from provisioner.core.documents import Encrypted

TEXT = """\
---
# heading
a:
  - one
  - b: 2 # why
    c: 3
d: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6162
"""


def test_plain_data_and_encrypted_values() -> None:
    assert parse(TEXT) == {
        "a": ["one", {"b": 2, "c": 3}],
        "d": Encrypted("$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [((), 3), (("a",), 3), (("a", 1), 5), (("a", 1, "c"), 6), (("a", 9), 3), (("x",), 3), (("d",), 7)],
)
def test_a_key_is_found_by_line(path: tuple[str | int, ...], line: int) -> None:
    assert locate(TEXT, path) == line


def test_an_edit_keeps_comments_and_encrypted_values() -> None:
    data = edit(TEXT)
    data["a"].append(scalar("no"))
    assert render(data) == TEXT.replace("    c: 3\n", '    c: 3\n  - "no"\n')


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=12))
def test_a_string_is_read_as_the_string_it_was(text: str) -> None:
    assert parse(render({"value": scalar(text)})) == {"value": text}


@pytest.mark.parametrize("text", ["no", "on", "12:30", "0o7", "1e3", "~", "", "2025-01-01", "=", "<<"])
def test_strings_that_look_like_something_else(text: str) -> None:
    assert parse(render([scalar(text)])) == [text]


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\na: 2\n", 2), ("a: [\n", 2), ("a: 1\n b: 2\n", 2), ("a: !what b\n", 1)]
)
def test_texts_that_are_wrong(text: str, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        parse(text)
    assert caught.value.line == line


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    write_atomic(file, "one")
    write_atomic(file, b"two")
    assert file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    write_atomic(file, "one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("provisioner.adapters.yaml_files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(file, "two")
    assert file.read_text() == "one"
    assert list(tmp_path.iterdir()) == [file]
