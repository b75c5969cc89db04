"""Run a system command as root, with errors that name the command and what it said."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from shutil import which

from provisioner.core.errors import ProvisionerError


class LabError(ProvisionerError):
    """The machine refused something that the lab needs; exit code 3."""

    exit_code = 3


@cache
def as_root() -> tuple[str, ...]:
    """The prefix that makes a command run as root: nothing for root, else sudo.

    Raises: LabError when neither is to be had.
    """
    if os.geteuid() == 0:
        return ()
    if which("sudo") is None:
        raise LabError("The lab needs root or sudo.", hint="Run as root, or install sudo.")
    return ("sudo",)


def run(
    argv: Sequence[str], *, check: bool = True, stdin: bytes | None = None, timeout: float = 900
) -> subprocess.CompletedProcess[bytes]:
    """Run `argv` as root and return its result, output captured.

    timeout is in seconds. Raises: LabError when `check` is set and the command fails or overruns.
    """
    command = [*as_root(), *argv]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise LabError(
            f"{argv[0]} is not installed.", hint="'make lab' installs what the lab needs."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(argv[:4])} … did not finish in {timeout:.0f} s.") from error
    if check and done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise LabError(f"{' '.join(argv)[:200]}: {' / '.join(said[-3:]) or f'exit {done.returncode}'}")
    return done
