"""Module half of `config_files`: make a set of files be as given, in one call to the host.

A role that writes ten files one task each pays ten round trips a host even when nothing changes;
this pays one.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

DOCUMENTATION = r"""
module: config_files
short_description: Write a set of configuration files in one call
description:
  - Each file's text is the role's template C(templates/<dest>.j2), so that templates mirror the target's
    tree, or the file's own C(content).
  - Missing folders are made with mode 0755. Files are replaced atomically. Check mode and diff are supported.
  - Files without C(validate) are written first, since a validated one may refer to them; of the others
    none is replaced unless all are valid.
  - The handlers that a change calls for are noted on the host until the play's end, see
    C(playbooks/tasks/applied.yml). When a play breaks off, the task that noted them reports a change in the
    next one again, so that they run after all.
options:
  files:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      dest: {description: Absolute path on the host., type: str, required: true}
      content: {description: Text, instead of the role's template., type: str}
      owner: {description: Owner., type: str, default: root}
      group: {description: Group., type: str, default: root}
      mode: {description: Mode, octal., type: str, default: "0644"}
      validate: {description: 'Command that proves the new file right; %s is its path.', type: str}
      in_place: {description: Write into the file (a bind mount)., type: bool, default: false}
  handlers:
    description: What the task notifies; the action half fills it in.
    type: list
    elements: str
    default: []
author: [The provisioner maintainers]
"""

EXAMPLES = r"""
- name: Write the configuration
  config_files:
    files:
      - {dest: /etc/nftables.conf, validate: "nft -c -f %s"}
"""

RETURN = r"""
written: {description: Paths that differed., type: list, returned: always}
ansible_facts:
  description: C(provisioner_unapplied), the folder of notes, where this task has left one.
  returned: when handlers wait
  type: dict
"""

UNAPPLIED = Path("/var/lib/provisioner/unapplied")


class Wanted(TypedDict):
    """One file as the action half describes it."""

    dest: str
    content: str
    owner: str
    group: str
    mode: str
    validate: str
    in_place: bool


class Arguments(TypedDict):
    """What the action half hands over."""

    files: list[Wanted]
    handlers: list[str]


class Target:
    """One file: what is wanted, and what the host has."""

    def __init__(self, wanted: Wanted, check_mode: bool) -> None:
        self.check_mode = check_mode
        self.dest = Path(wanted["dest"])
        self.content = wanted["content"].encode()
        self.mode = int(wanted["mode"], 8)
        self.validate = wanted["validate"]
        self.in_place = wanted["in_place"]
        self.uid = self._id(lambda: pwd.getpwnam(wanted["owner"]).pw_uid, wanted["owner"])
        self.gid = self._id(lambda: grp.getgrnam(wanted["group"]).gr_gid, wanted["group"])
        self.before: bytes | None
        self.status: tuple[int, int, int] | None
        try:
            self.before = self.dest.read_bytes()
            status = self.dest.stat()
            self.status = (status.st_mode & 0o7777, status.st_uid, status.st_gid)
        except OSError:
            self.before, self.status = None, None
        self.same_text = self.before == self.content
        self.same = self.same_text and self.status == (self.mode, self.uid, self.gid)
        self.staged: Path | None = None

    def _id(self, look_up: Callable[[], int], name: str) -> int:
        try:
            return look_up()
        except KeyError:
            if self.check_mode:  # made by an earlier task of the real run
                return -1
            raise SystemExit(f"{self.dest}: no user or group {name} on this host") from None

    def diff(self) -> dict[str, str]:
        """Give the change as Ansible shows it."""
        before = (self.before or b"").decode(errors="replace")
        header = str(self.dest)
        return {
            "before": before,
            "after": self.content.decode(errors="replace"),
            "before_header": header,
            "after_header": header,
        }

    def stage(self) -> None:
        """Write the new text beside the old one and have it validated."""
        folder = Path(tempfile.gettempdir()) if self.check_mode else self.dest.parent
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle, staged = tempfile.mkstemp(prefix=f".{self.dest.name}.", dir=folder)
        self.staged = Path(staged)
        with os.fdopen(handle, "wb") as file:
            file.write(self.content)
        if self.validate and not self.same_text:
            self._run_validate()

    def _run_validate(self) -> None:
        command = shlex.split(self.validate.replace("%s", str(self.staged)))
        if self.check_mode and shutil.which(command[0]) is None:
            return
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{self.dest} would be invalid: {(done.stderr or done.stdout).strip()}")

    def commit(self) -> None:
        """Put the staged text in the file's place."""
        if self.in_place and self.dest.exists():
            self.dest.write_bytes(self.content)
            self._own(self.dest)
        elif self.staged:
            self._own(self.staged)
            self.staged.replace(self.dest)

    def _own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)
        path.chmod(self.mode)

    def discard(self) -> None:
        """Remove what was staged and not committed."""
        if self.staged:
            self.staged.unlink(missing_ok=True)


def main(arguments: Arguments, check_mode: bool, diff: bool) -> dict[str, object]:
    """Compare, validate, replace."""
    targets = [Target(wanted, check_mode) for wanted in arguments["files"]]
    differing = [target for target in targets if not target.same]
    plain = [target for target in differing if not target.validate]
    validated = [target for target in differing if target.validate]
    handlers = arguments["handlers"]
    note = UNAPPLIED / ", ".join(sorted(handlers))
    waiting = bool(handlers) and note.exists()
    if handlers and differing and not check_mode:
        note.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        note.touch()
        waiting = True
    try:
        for group in (plain, validated):
            for target in group:
                target.stage()
            if not check_mode:
                for target in group:
                    target.commit()
    finally:
        for target in differing:
            target.discard()
    result: dict[str, object] = {
        "changed": waiting or bool(differing),
        "written": [str(target.dest) for target in differing],
    }
    if waiting:
        result["ansible_facts"] = {"provisioner_unapplied": str(UNAPPLIED)}
    if diff:
        result["diff"] = [target.diff() for target in differing]
    return result
