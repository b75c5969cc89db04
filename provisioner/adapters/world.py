"""Read the mail that the lab's world has received, as its server stored it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes

from provisioner.adapters import ssh
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host

_MAILBOXES = "/var/mail/world"
# Nothing is there before the first mail has come.
_PACK = (
    f"if test -d {_MAILBOXES}; then find {_MAILBOXES} -path '*/new/*' -newermt @$0 -print0; fi"
    " | tar --create --absolute-names --null --files-from=- --file=-"
)


@dataclass(frozen=True)
class Received:
    """One stored message: for whom, its Message-ID, and its bytes."""

    recipient: str
    message_id: str
    raw: bytes


def received_since(world: Host, since: float) -> list[Received]:
    """Every message stored after `since` (seconds since 1970). Raises HostsFailed."""
    result = ssh.run(world, ["sudo", "sh", "-c", _PACK, f"{since:.6f}"])
    if not result.ok:
        raise HostsFailed(
            f"{world.name}: {result.complaint}", hint="'provisioner lab up' makes the world anew."
        )
    return [_received(raw) for raw in _members(result.stdout)]


def _members(archive: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                yield content.read()


def _received(raw: bytes) -> Received:
    headers = message_from_bytes(raw)
    return Received(str(headers["Delivered-To"] or ""), str(headers["Message-ID"] or "").strip(), raw)
