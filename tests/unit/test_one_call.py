"""Our own modules as Ansible calls them, on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from grp import getgrgid
from pathlib import Path
from pwd import getpwuid
from typing import Any

from provisioner.adapters.ansible import PROJECT

OWN = {"owner": getpwuid(os.geteuid()).pw_name, "group": getgrgid(os.getegid()).gr_name}


def told(*files: dict[str, Any], options: tuple[str, ...] = ()) -> dict[str, Any]:
    """What `config_files` says of these files."""
    arguments = json.dumps({"files": [OWN | file for file in files]})
    command = ["localhost", "-i", "localhost,", "-c", "local", "--one-line", *options]
    result = subprocess.run(
        [Path(sys.executable).parent / "ansible", *command, "-m", "config_files", "-a", arguments],
        env=os.environ | {"ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = next(line for line in result.stdout.splitlines() if line.startswith("localhost | "))
    return dict(json.loads(said[said.index("{") :]))


def test_files_are_written_once(tmp_path: Path) -> None:
    file = {"dest": f"{tmp_path}/etc/some.conf", "content": 'it\'s "quoted"\n\\n äöü\n', "mode": "0600"}
    first = told(file)
    assert (first["changed"], first["written"]) == (True, [file["dest"]])
    assert Path(file["dest"]).read_text() == file["content"]
    assert Path(file["dest"]).stat().st_mode & 0o777 == 0o600
    assert told(file)["changed"] is False


def test_check_mode_changes_nothing(tmp_path: Path) -> None:
    file = {"dest": f"{tmp_path}/some.conf", "content": "new\n"}
    said = told(file, options=("--check",))
    assert (said["changed"], said["written"]) == (True, [file["dest"]])
    assert not Path(file["dest"]).exists()


def test_no_validated_file_is_replaced_unless_all_are_valid(tmp_path: Path) -> None:
    files = [
        {"dest": f"{tmp_path}/{name}", "content": "text", "validate": f"{command} %s"}
        for name, command in (("right", "test -f"), ("wrong", "false"))
    ]
    said = told(*files)
    assert said["msg"].startswith(f"{tmp_path}/wrong would be invalid")
    assert not list(tmp_path.glob("*right*"))


def test_a_slip_of_the_pen_is_named(tmp_path: Path) -> None:
    assert "contents" in told({"dest": f"{tmp_path}/a", "contents": "text"})["msg"]
    nobody = told({"dest": f"{tmp_path}/a", "content": "text", "owner": "no-such-user"})
    assert nobody["msg"] == f"{tmp_path}/a: no user or group no-such-user on this host"
