"""One test of a list server under way: what it works with, and what can be seen meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from provisioner.core import proof, web_forms
from provisioner.core.dem import DemServer
from provisioner.core.dem_check import Mail, Reader, Readers
from provisioner.core.findings import Finding
from provisioner.workflows.dem_ports import Stored, Suppressed, Talk, Web, World

LIST = "provisioner-check"
"""The list that a check uses; its readers are nobody's."""

SCANS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("HEAD", {}),
    ("GET", {}),
    ("GET", {"Sec-Purpose": "prefetch;prerender"}),
)
"""What scanners and previews, and browsers that prefetch, ask of a link."""

SCANNERS = 16
"""Requests of a scanner at a time."""

POLL = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class Tools:
    """What a check works with. now: seconds since 1970; sleep: lets seconds pass."""

    talk: Talk
    web: Web
    world: World
    suppressed: Suppressed
    now: Callable[[], float]
    sleep: Callable[[float], None]
    say: Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """What is checked: the server, with what the fleet says of it.

    run: a word that no other run has. readers: made up, in `domains`; 0: `address` alone, at a world that
    does as it likes. trusted: authserv-ids whose results count, empty: the topmost's. per_minute: what the
    plan allows. patience: seconds for what takes time to come about.
    """

    server: DemServer
    bounce_domain: str
    run: str
    domains: Sequence[str]
    readers: int = 1_000
    address: str = ""
    trusted: Sequence[str] = ()
    per_minute: int | None = None
    patience: float = 120.0

    def at(self, user: str, number: int = 0) -> str:
        """A made-up address."""
        return f"{user}@{self.domains[number % len(self.domains)]}"


@dataclass
class Run:
    """One check under way."""

    tools: Tools
    subject: Subject
    found: list[Finding] = field(default_factory=list)

    def readers(self) -> Readers:
        """Who is on the list of the check."""
        said = self.tools.talk.ask("subscribers", LIST)
        return {
            each["email"].lower(): Reader(bool(each["confirmed"]), int(each.get("bounces", 0)))
            for each in said
        }

    def until(self, look: Callable[[], T], good: Callable[[T], bool]) -> T:
        """What is seen once it is good, or else when the patience ends."""
        deadline = self.tools.now() + self.subject.patience
        while True:
            seen = look()
            if good(seen) or self.tools.now() >= deadline:
                return seen
            self.tools.sleep(POLL)

    def arrived(self, since: float, word: str = "") -> list[Stored]:
        """What has arrived since, with a word in its header."""
        wanted = word.encode()
        return [each for each in self.tools.world.received(since) if wanted in _head(each.raw)]

    def mail(self, stored: Stored) -> Mail:
        """What a message proves."""
        trusted = self.subject.trusted or proof.authorities(stored.raw)[:1]
        read = proof.read(stored.raw, stored.recipient, trusted)
        at = read.hops[-1].at if read.hops else None
        moment = at.timestamp() if at else self.tools.now()
        return Mail(stored.recipient.lower(), read, stored.raw, moment)

    def scan(self, mails: Sequence[Mail]) -> tuple[int, int]:
        """Ask every link of every mail as scanners do; how many requests, how many answers."""
        wanted = [
            (method, link, None, headers)
            for mail in mails
            for link in web_forms.links(mail.raw)
            if self.tools.web.is_ours(link)
            for method, headers in SCANS
        ]
        with ThreadPoolExecutor(SCANNERS) as pool:
            answers = list(pool.map(lambda each: self.tools.web.ask(*each), wanted))
        return len(wanted), sum(answer.status > 0 for answer in answers)


def _head(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
