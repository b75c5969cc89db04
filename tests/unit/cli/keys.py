"""Keys on the command line: a primary, probes and a clock in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from provisioner.core.fleet import Host
from provisioner.core.probes import ProbeAsk, Probed, Verdict
from provisioner.core.publishing import PublishResult, PublishStatus
from provisioner.core.records import Record
from tests.fakes import FakeResolver
from tests.unit.cli.running import Run

DOMAIN = "acme.example"
ZONE = f"{DOMAIN}.dkim.operator.example"


class Prober:
    """Probes come out as told."""

    verdict = Verdict.RIGHT

    def __call__(self, asks: Sequence[ProbeAsk], hosts: Sequence[Host]) -> list[Probed]:
        return [Probed(ask.domain, host.name, self.verdict, "why") for ask in asks for host in hosts]


class Primary:
    """A primary whose zone is the DNS in memory."""

    def __init__(self, dns: FakeResolver) -> None:
        self._dns = dns

    def obstacle(self, name: str) -> str:
        return ""

    def publish(self, records: Sequence[Record]) -> list[PublishResult]:
        for record in records:
            self._dns.set(record.name, record.type, record.value)
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.PUBLISHED) for r in records]

    def withdraw(self, records: Sequence[Record]) -> list[PublishResult]:
        for record in records:
            self._dns.data.pop((record.name, record.type), None)
        return [PublishResult(r.name, r.type, r.zone, PublishStatus.PUBLISHED) for r in records]


def publish(run: Run, *selectors: str) -> None:
    """The customer publishes these selectors' CNAMEs."""
    for selector in selectors:
        run.dns.set(f"{selector}._domainkey.{DOMAIN}", "CNAME", f"{selector}.{ZONE}")


def signing(run: Run, clock: list[datetime]) -> None:
    """The domain's first keys, at work."""
    assert run("dkim", "generate", DOMAIN).code == 0
    publish(run, "s1", "e1")
    done = run("dkim", "rotate", DOMAIN, "--apply", "--wait", "--reason", "new")
    assert done.code == 0, done.err


def facts_of(run: Run, *arguments: str):  # type: ignore[no-untyped-def]
    return json.loads(run(*arguments, "--json").out)
