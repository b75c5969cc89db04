"""Archives in a restic repository: `restic` from PATH, its repository and password by environment alone."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from provisioner.core.errors import HostsFailed, UsageError

PASSWORDS = ("RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD", "RESTIC_PASSWORD_COMMAND")
TAG = "provisioner-dem"
_PIECE = 262_144


class Restic:
    """One repository. Nothing secret stands in an argument: others could read it in the list of processes."""

    def __init__(self, repository: str, password_file: Path | None = None) -> None:
        """Raises UsageError when nothing says its password."""
        self._environment = {**os.environ, "RESTIC_REPOSITORY": repository}
        if password_file is not None:
            self._environment["RESTIC_PASSWORD_FILE"] = str(password_file.expanduser().absolute())
            for other in PASSWORDS[1:]:
                self._environment.pop(other, None)
        elif not any(self._environment.get(name) for name in PASSWORDS):
            raise UsageError(
                "Nothing says the restic repository's password",
                hint=f"--password-file FILE, or one of {', '.join(PASSWORDS)} in the environment",
            )

    def require(self) -> None:
        """See that the repository is there and opens. Raises UsageError."""
        done = self._run(["cat", "config"])
        if done.returncode:
            raise UsageError(
                f"The restic repository does not open: {_said(done.stderr)}",
                hint="A new one has to be made first: restic init",
            )

    def save(self, file: Path, name: str, tags: Sequence[str]) -> str:
        """Store a file under a name; the snapshot's id. Raises HostsFailed."""
        tagged = [part for tag in (TAG, *tags) for part in ("--tag", tag)]
        with file.open("rb") as source:
            arguments = ["backup", "--json", "--stdin", "--stdin-filename", name, *tagged]
            done = self._run(arguments, source)
        if done.returncode:
            raise HostsFailed(f"restic did not take the backup: {_said(done.stderr)}")
        for line in reversed(done.stdout.splitlines()):
            said = json.loads(line)
            if said.get("message_type") == "summary":
                return str(said["snapshot_id"])
        raise HostsFailed("restic did not say which snapshot it made")

    def latest(self, tags: Sequence[str]) -> tuple[str, str]:
        """The newest snapshot with all these tags: its id and its file. Raises UsageError: there is none."""
        wanted = ",".join((TAG, *tags))
        done = self._run(["snapshots", "--json", "--tag", wanted])
        if done.returncode:
            raise UsageError(f"The restic repository does not open: {_said(done.stderr)}")
        found = json.loads(done.stdout) or []
        if not found:
            raise UsageError(f"The repository has no snapshot with the tags {wanted}")
        newest = max(found, key=lambda each: str(each["time"]))
        return str(newest["id"]), str(newest["paths"][0])

    def load(self, snapshot: str, path: str, to: Path | None = None) -> str:
        """Read a file of a snapshot, into a new file if one is named; its SHA-256. Raises HostsFailed."""
        digest = hashlib.sha256()
        command = ["restic", "--quiet", "dump", snapshot, path]
        with _started(command, self._environment) as process:
            assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018
            target = to.open("xb") if to is not None else None
            try:
                while piece := process.stdout.read(_PIECE):
                    digest.update(piece)
                    if target is not None:
                        target.write(piece)
            finally:
                if target is not None:
                    target.close()
            complaint = process.stderr.read()
        if process.returncode:
            raise HostsFailed(f"restic does not give {path} of {snapshot}: {_said(complaint)}")
        return digest.hexdigest()

    def _run(
        self, arguments: Sequence[str], stdin: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["restic", "--quiet", *arguments],
                env=self._environment,
                stdin=stdin or subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise _missing() from error


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise _missing() from error


def _missing() -> UsageError:
    return UsageError("restic is not installed on this machine", hint="apt install restic")


def _said(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"
