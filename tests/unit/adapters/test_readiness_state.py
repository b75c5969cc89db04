from __future__ import annotations

import stat
from pathlib import Path

import pytest

from provisioner.adapters import readiness_state
from provisioner.core.errors import UsageError
from provisioner.core.findings import Status

KNOWN = {"a.example": {"spf a.example": Status.FAIL}}


def test_each_kind_of_look_has_its_own(tmp_path: Path) -> None:
    assert readiness_state.load(tmp_path, "all") is None
    readiness_state.save(tmp_path, "all", KNOWN)
    readiness_state.save(tmp_path, "google", {})
    assert readiness_state.load(tmp_path, "all") == KNOWN
    assert readiness_state.load(tmp_path, "google") == {}
    assert readiness_state.load(tmp_path, "yahoo") is None
    assert stat.S_IMODE((tmp_path / readiness_state.NAME).stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"all": null}', '{"all": []}', '{"all": {"a": {"spf a": "good"}}}']
)
def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / readiness_state.NAME).write_text(text)
    with pytest.raises(UsageError, match="can't be read") as told:
        readiness_state.load(tmp_path, "all")
    assert "Remove it" in str(told.value.hint)
