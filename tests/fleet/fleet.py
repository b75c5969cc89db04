"""The running lab, as the tests use it: the real command line, real sessions, and what the world stored."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

from provisioner.adapters import inventory_files, ssh, world
from provisioner.adapters.lab import EmbeddedLab
from provisioner.adapters.ssh import Result
from provisioner.adapters.submission import Submission
from provisioner.adapters.world import Received
from provisioner.core import proof
from provisioner.core.fleet import Host, Inventory
from provisioner.core.proof import Proof

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "inventories/lab"
ARRIVAL = 60.0
"""Seconds that mail may take to arrive; in an idle lab it takes one."""


@dataclass(frozen=True)
class Account:
    """A customer's login, and the domain it sends as."""

    customer: str
    login: str
    password: str
    domain: str


class Fleet:
    """The lab and what can be asked of it."""

    def __init__(self) -> None:
        self.machines = EmbeddedLab(LAB)

    @property
    def inventory(self) -> Inventory:
        """As it is now: tests add hosts and remove them."""
        return inventory_files.load(LAB)

    def cli(
        self, *arguments: str, inventory: Path = LAB, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run the real command line."""
        command = [sys.executable, "-m", "provisioner", "-i", str(inventory), *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )

    def done(self, *arguments: str, timeout: float = 600) -> str:
        """Run the real command line; it must succeed. Its standard output."""
        result = self.cli(*arguments, timeout=timeout)
        assert result.returncode == 0, (
            f"{' '.join(arguments)}: {result.stdout[-3000:]}{result.stderr[-3000:]}"
        )
        return result.stdout

    def host(self, name: str) -> Host:
        found = self.inventory.host(name)
        assert found is not None
        return found

    def on(self, name: str, *command: str, stdin: bytes = b"") -> Result:
        """Run a command as root on a host."""
        return ssh.run(self.host(name), ["sudo", *command], stdin)

    def shell(self, name: str, script: str) -> str:
        """Run a shell script as root on a host; it must succeed."""
        result = self.on(name, "sh", "-euc", script)
        assert result.ok, f"{name}: {script}: {result.complaint}"
        return result.text

    @contextmanager
    def session(self, account: Account | None = None, port: int = 587) -> Iterator[Submission]:
        """A secure session with the fleet through the virtual address, logged in if an account is given."""
        settings = self.inventory.settings
        address, authority = str(settings.virtual_address), LAB / "secrets/ca.crt"
        with Submission(address, settings.submission_name, port, authority) as session:
            if account is not None:
                session.login(account.login, account.password)
            yield session

    def add_customer(self, name: str, domain: str, *, sends: bool, plan: str = "unlimited") -> Account:
        """A customer made by the command line; `sends`: with keys that are published, verified and active."""
        if (LAB / f"customers/{name}.yml").exists():  # of a run that was stopped
            self.done("customer", "remove", name, "--yes")
        # Earlier runs' keys retire for days, and a third generation would have to wait for them.
        (LAB / f"keys/{domain}.yml").unlink(missing_ok=True)
        wanted = ["--domain", domain, "--contact", f"it@{domain}", "--plan", plan]
        said = self.done("customer", "add", name, *wanted, "--json")
        if sends:
            self.done("dns", "publish", domain)
            self.done("dkim", "rotate", domain, "--apply", "--wait", "--timeout", "120")
        return Account(name, name, json.loads(said)["password"], domain)

    def import_customers(self, table: Path, rows: Sequence[tuple[str, str, str]]) -> list[Account]:
        """Customers (name, domain, plan) made all at once, with keys that are active; `table`: a new file."""
        for _, domain, _ in rows:
            (LAB / f"keys/{domain}.yml").unlink(missing_ok=True)
        lines = [f"{name},{name}@gmail.test,{domain},{plan}" for name, domain, plan in rows]
        table.write_text("\n".join(["name,contact,domains,plan", *lines]))
        passwords = table.with_suffix(".passwords")
        self.done("customer", "import", str(table), "--passwords-to", str(passwords))
        for _, domain, _ in rows:
            self.done("dns", "publish", domain)
        self.done(
            "dkim", "rotate", *(domain for _, domain, _ in rows), "--apply", "--wait", "--timeout", "300"
        )
        with passwords.open() as file:
            made = {row["name"]: row["password"] for row in csv.DictReader(file)}
        return [Account(name, name, made[name], domain) for name, domain, _ in rows]

    def world_received(self, since: float) -> list[Received]:
        return world.received_since(self.inventory.group("world")[0], since)

    def arrived(self, message_id: str, since: float, seconds: float = ARRIVAL) -> Received:
        """The message of that Message-ID, once the world has it."""

        def look() -> Received | None:
            found = [each for each in self.world_received(since) if each.message_id == message_id]
            return found[0] if found else None

        return eventually(look, f"{message_id} in the world", seconds)

    def proof_of(self, received: Received) -> Proof:
        trusted = [self.inventory.fqdn(host) for host in self.inventory.group("world")]
        return proof.read(received.raw, received.recipient, trusted)

    @contextmanager
    def behaviour(self, recipient: str, what: str) -> Iterator[None]:
        """Have the world treat a recipient in a certain way meanwhile."""
        name = self.inventory.group("world")[0].name
        assert self.on(name, "world-behaviour", "set", recipient, what).ok
        try:
            yield
        finally:
            assert self.on(name, "world-behaviour", "clear", recipient).ok

    def queued(self, queue_id: str) -> bool:
        """Whether a backend has the message in its queue."""
        return any(
            queue_id in self.on(host.name, "postqueue", "-j").text
            for host in self.inventory.group("backends")
        )


T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str, seconds: float = ARRIVAL) -> T:
    """What `look` finds, once it finds something; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def mail(domain: str, recipients: Sequence[str], **headers: Any) -> EmailMessage:
    """A plain message; `headers` replaces or adds some."""
    message = EmailMessage()
    message["From"] = headers.pop("From", f"Tester <tester@{domain}>")
    message["To"] = ", ".join(recipients)
    message["Subject"] = "test"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{uuid.uuid4().hex}@{domain}>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("A test.\n")
    return message
