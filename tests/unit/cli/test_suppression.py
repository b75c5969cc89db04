"""`suppression`, over a store in memory."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path
from typing import Any

import pytest

from provisioner.adapters import counters, suppressions
from tests.unit.cli.running import Run


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, list[Any]]]:
    """Lists as the frontends' tool keeps them: customer → address → [reason, at, note]."""
    lists: dict[str, dict[str, list[Any]]] = {}

    def ask(_: object, verb: str, question: dict[str, Any]) -> Any:
        on = lists.setdefault(question["customer"], {})
        if verb == "suppress":
            return sum(on.setdefault(address, why) is why for address, *why in question["entries"])
        if verb == "unsuppress":
            return [address for address in question["addresses"] if on.pop(address, None)]
        assert verb == "suppressed"
        return [[address, *why] for address, why in on.items()]

    monkeypatch.setattr(counters, "ask", ask)
    return lists


def test_an_address_is_added_shown_and_removed(run: Run) -> None:
    added = run("suppression", "add", "acme", "Anna@b.example", "bob@b.example", "--note", "asked by phone")
    assert (added.code, added.out.strip()) == (0, "2 added")
    assert (
        "1 added, 1 were there already"
        in run("suppression", "add", "acme", "bob@b.example", "c@b.example").out
    )
    shown = run("suppression", "list", "acme").out
    assert "anna@b.example" in shown
    assert "asked by phone" in shown
    assert "3 addresses, 3 manual" in shown
    assert run("suppression", "remove", "acme", "ANNA@b.example").code == 0
    again = run("suppression", "remove", "acme", "anna@b.example")
    assert (again.code, "anna@b.example" in again.err) == (1, True)


def test_each_customer_has_its_own(run: Run, store: dict[str, Any]) -> None:
    run("suppression", "add", "acme", "a@b.example")
    assert run("suppression", "list", "globex", "--json").json == []
    assert run("suppression", "list", "nobody").code == 2


def test_what_is_exported_is_imported(run: Run, tmp_path: Path) -> None:
    run("suppression", "add", "acme", "a@b.example", "--reason", "complaint", "--note", "spam, she said")
    file = tmp_path / "list.csv"
    assert run("suppression", "export", "acme", "--to", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "1 added" in run("suppression", "import", "globex", str(file)).out
    one, other = (run("suppression", "export", name).out for name in ("acme", "globex"))
    assert one == other
    (row,) = csv.DictReader(io.StringIO(one))
    assert (row["address"], row["reason"], row["note"]) == ("a@b.example", "complaint", "spam, she said")


def test_a_file_with_faults_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("a@b.example\nnobody\n@\n")
    told = run("suppression", "import", "acme", str(file))
    assert told.code == 2
    assert f"{file}:2" in told.err
    assert f"{file}:3" in told.err
    assert run("suppression", "list", "acme", "--json").json == []
    assert run("suppression", "add", "acme", "good@b.example", "nobody").code == 2
    assert run("suppression", "list", "acme", "--json").json == []


def test_a_check_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("a@b.example\n")
    assert run("suppression", "import", "acme", str(file), "--check").code == 0
    assert run("suppression", "list", "acme", "--json").json == []


def test_long_lists_go_in_parts(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressions, "AT_ONCE", 3)
    file = tmp_path / "list.csv"
    file.write_text("".join(f"a{n}@b.example\n" for n in range(10)))
    assert "10 added" in run("suppression", "import", "acme", str(file)).out
    assert len(run("suppression", "list", "acme", "--json").json) == 10  # type: ignore[arg-type]
