"""The receiving side of a list server's test: the lab's world, or one mailbox's folder on this machine."""

from __future__ import annotations

import mailbox
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email import message_from_bytes
from pathlib import Path
from typing import Self

from provisioner.adapters import suppressions, world
from provisioner.adapters.lab.world import World, host_of
from provisioner.adapters.ssh import Ssh
from provisioner.adapters.world import Received
from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.fleet import Host, Inventory
from provisioner.core.suppression import Reason
from provisioner.core.world import Behaviour

SMTP_PORT = 25


class LabWorld:
    """The lab's world: it stores all mail, and treats addresses as it is told to. A context manager."""

    def __init__(self, inventory: Inventory, port: int = SMTP_PORT) -> None:
        """Raises UsageError when the inventory has no world."""
        self._host = host_of(inventory)
        self._entrance = str(inventory.settings.virtual_address)
        self._name = inventory.fqdn(self._host)
        self._port = port
        self._ssh = Ssh(self._host)

    def __enter__(self) -> Self:
        """Connect. Raises SshError."""
        self._ssh.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._ssh.__exit__(None, None, None)

    def received(self, since: float) -> Sequence[Received]:
        """What has arrived since."""
        return world.received_since(self._host, since)

    def behave(self, address: str, behaviour: Behaviour) -> None:
        """Treat an address like this from now on."""
        World(self._ssh).behave(address, behaviour)

    def behave_normally(self, *addresses: str) -> None:
        """Forget that."""
        World(self._ssh).behave_normally(*addresses)

    def reply(self, to: str, raw: bytes) -> None:
        """Hand a report to the fleet at its entrance, as any server of the world does. Raises HostsFailed."""
        deliver(self._entrance, self._port, self._name, to, raw)

    def offer(self, to: str, raw: bytes) -> str:
        """The same with any message; empty when the fleet takes it, else what it says."""
        try:
            self.reply(to, raw)
        except HostsFailed as error:
            return error.message
        return ""


def deliver(entrance: str, port: int, name: str, to: str, raw: bytes) -> None:
    """Give one message with an empty return path to an SMTP server. Raises HostsFailed."""
    context = ssl.create_default_context()
    # Servers of the world take whatever certificate there is (RFC 7435): better than none.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with smtplib.SMTP(entrance, port, local_hostname=name, timeout=60) as smtp:
            smtp.ehlo()
            if smtp.has_extn("starttls"):
                smtp.starttls(context=context)
            smtp.sendmail("", [to], raw)
    except (OSError, smtplib.SMTPException) as error:
        raise HostsFailed(f"The fleet does not take a report to {to}: {error}") from error


class MaildirWorld:
    """One mailbox of the operator's, which some server delivers into a Maildir folder of this machine."""

    def __init__(self, folder: Path, address: str) -> None:
        """Raises UsageError when the folder is no Maildir."""
        if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
            raise UsageError(f"{folder} is not a Maildir", hint="It has folders new, cur and tmp")
        self._folder, self._address = folder, address

    def received(self, since: float) -> Sequence[Received]:
        """What has arrived since."""
        found = []
        for key, message in mailbox.Maildir(self._folder, create=False).iteritems():
            if message.get_date() >= int(since):
                raw = mailbox.Maildir(self._folder, create=False).get_bytes(key)
                identity = str(message_from_bytes(raw)["Message-ID"] or "")
                found.append(Received(self._address, identity, raw))
        return found

    def behave(self, address: str, behaviour: Behaviour) -> None:
        """A server that is not ours takes no orders."""
        raise NotImplementedError(f"{address} can't be made to {behaviour.value}")

    def behave_normally(self, *addresses: str) -> None:
        """It does so anyway."""

    def reply(self, to: str, raw: bytes) -> None:
        """Nothing is to be made up about a real mailbox."""
        raise NotImplementedError(f"{to} gets no report of {len(raw)} bytes")

    def offer(self, to: str, raw: bytes) -> str:
        """Nor is anything."""
        raise NotImplementedError(f"{to} gets no mail of {len(raw)} bytes")


class SuppressionList:
    """A customer's suppression list at the frontends."""

    def __init__(self, frontends: Sequence[Host], customer: str) -> None:
        self._frontends, self._customer = frontends, customer

    def entries(self) -> Mapping[str, Reason]:
        """Who is on it, and why."""
        return {each.address: each.reason for each in suppressions.every(self._frontends, self._customer)}

    def remove(self, addresses: Sequence[str]) -> None:
        """Take addresses off it."""
        suppressions.remove(self._frontends, self._customer, addresses)
