"""Archives of software on this machine: whether they are what their SHA-256 says."""

from __future__ import annotations

import hashlib
from pathlib import Path

from provisioner.core.errors import UsageError


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex digits. Raises UsageError when it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def check(archive: str, wanted: str) -> None:
    """See that an archive is what it should be; one at a URL is looked at by the host that fetches it.

    Raises UsageError.
    """
    if "://" in archive:
        return
    found = sha256(Path(archive))
    if found != wanted:
        raise UsageError(
            f"{archive} has the SHA-256 {found}, not {wanted}",
            hint="Fetch it again, and compare with what its makers publish",
        )
