"""Nothing wakes while a package is exchanged, and the old one comes back. Programs have stand-ins."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from provisioner_dem import debian
from provisioner_dem.software import DemError, NotBackError

from tests.unit.dem.keeper import stand_ins

PROGRAMS = {
    "apt-get": 'case "$*" in *" download "*) echo new >sympa_2.deb;; *--download-only*) ;;'
    ' *" install "*) printf 2 >"$VERSION";; esac',
    "apt-cache": 'echo "  Candidate: 2"',
    "dpkg-query": 'cat "$VERSION"',
    "dpkg-deb": "echo 1",
    "dpkg": 'case $1 in --install) [ $BACK = 1 ] && printf 1 >"$VERSION";; esac',
    "systemctl": "exit 0",
}
DAEMONS = "web.socket web.service"


class Software:
    services = ("provisioner-dem-oneclick.socket", "web.socket", "web.service")
    web = ("provisioner-dem-oneclick.socket", "web.socket")

    def __init__(self, log: Path) -> None:
        self.log, self.wrong = log, ""

    def note(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{text}\n")

    def healthy(self) -> str:
        self.note("healthy?")
        return self.wrong

    def still(self) -> None:
        self.note("still")


@pytest.fixture
def software(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    stand_ins(tmp_path / "bin", PROGRAMS, monkeypatch)
    for name, value in (("LOG", tmp_path / "log"), ("VERSION", tmp_path / "version"), ("BACK", 1)):
        monkeypatch.setenv(name, str(value))
    (tmp_path / "version").write_text("1")
    monkeypatch.setattr(debian, "PACKAGES", tmp_path / "packages")
    debian.PACKAGES.mkdir()
    (debian.PACKAGES / "sympa.deb").write_text("old\n")
    return Software(tmp_path / "log")


def did(software: Software) -> list[str]:
    """From the standstill on, with the first words of each."""
    lines = software.log.read_text().splitlines()
    wanted = [
        " ".join(word for word in line.split() if not word.startswith(("-", "/", "Dpkg", "DPkg")))
        for line in lines[lines.index("still") :]
    ]
    return [line for line in wanted if line != "dpkg-query sympa"]


def test_a_newer_package_takes_the_place(software: Any) -> None:
    change = debian.upgrade("sympa", software, software.still)
    assert (change.before, change.after) == ("1", "2")
    assert did(software) == [
        "still", f"systemctl mask {DAEMONS}", "apt-get install", f"systemctl unmask {DAEMONS}",
        "systemctl start provisioner-dem-oneclick.socket web.socket", "healthy?",
    ]  # fmt: skip
    assert [(file.name, file.read_text()) for file in debian.PACKAGES.iterdir()] == [("sympa.deb", "new\n")]


def test_one_that_is_not_well_goes_again(software: Any) -> None:
    software.wrong = "the web site answers 500"
    with pytest.raises(DemError, match="answers 500") as caught:
        debian.upgrade("sympa", software, software.still)
    assert not isinstance(caught.value, NotBackError)
    after = did(software)
    assert after[after.index("healthy?") + 1 :] == [
        "systemctl stop provisioner-dem-oneclick.socket web.socket web.service",
        f"systemctl mask {DAEMONS}", "dpkg", f"systemctl unmask {DAEMONS}",
    ]  # fmt: skip
    assert debian.version("sympa") == "1"
    assert [(file.name, file.read_text()) for file in debian.PACKAGES.iterdir()] == [("sympa.deb", "old\n")]


def test_one_that_can_not_go_is_told(software: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACK", "0")
    software.wrong = "the web site answers 500"
    with pytest.raises(NotBackError, match="1 could not be installed again"):
        debian.upgrade("sympa", software, software.still)


def test_a_full_disk_is_noticed_before_anything_stands_still(
    software: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(shutil, "copy", full)
    with pytest.raises(OSError, match="no space left"):
        debian.upgrade("sympa", software, software.still)
    assert "still" not in software.log.read_text()
    assert debian.version("sympa") == "1"


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("6.2.76~dfsg-1+deb13u1", "6.2.76~dfsg-1", True),
        ("6.2.76~dfsg-1", "6.2.76~dfsg-1", False),
        ("3.6.9", "3.6.15", False),
        ("3.6.15", "3.6.9", True),
    ],
)
def test_versions_are_compared_as_debian_does(one: str, other: str, newer: bool) -> None:
    assert debian.newer(one, other) is newer
