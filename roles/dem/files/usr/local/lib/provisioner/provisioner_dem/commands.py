"""Other programs, run from argument lists; what they are told that is secret goes over standard input."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from provisioner_dem.software import DemError

TIME_LIMIT = 900.0
"""Seconds."""


def run(
    argv: Sequence[str],
    told: str | bytes = b"",
    *,
    user: str = "",
    check: bool = True,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What a program printed, run as `user`, if any. Raises DemError when it takes longer than
    TIME_LIMIT, or fails; the latter unless not `check`.
    """
    command = ["runuser", f"--user={user}", "--", *argv] if user else list(argv)
    data = told.encode() if isinstance(told, str) else told
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=TIME_LIMIT, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise DemError(f"{argv[0]} was stopped: not done within {TIME_LIMIT:.0f} s") from error
    out = done.stdout.decode(errors="replace")
    if check and done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or out.strip()
        raise DemError(f"{argv[0]} failed ({done.returncode}): {said[-500:]}")
    return out
