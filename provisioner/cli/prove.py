"""`provisioner lab prove`: the main job from end to end, judged from the world's side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from statistics import median
from typing import Annotated

import typer
from rich.text import Text

from provisioner.adapters import dkim_verify, passwords, tenants, world
from provisioner.adapters.submission import Submission
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import lab, output, wiring
from provisioner.cli.context import Context, context
from provisioner.cli.counting import counting
from provisioner.core.answers import Outcome
from provisioner.core.errors import CheckFailed, UsageError
from provisioner.core.fleet import Inventory
from provisioner.workflows.customer import NewCustomer
from provisioner.workflows.probe import Login
from provisioner.workflows.prove import Line, Report, Tools, prepare
from provisioner.workflows.prove import prove as run_proof

CUSTOMER = NewCustomer("acme", "it@acme.example", ("acme.example",), "unlimited")
_COLUMNS = (
    *("Receiver", "Frontend", "Backend", "Received", "SPF", "DKIM RSA", "DKIM Ed25519", "DMARC"),
    *("TLS per hop", "Time"),
)
RECEIVERS = ("gmail.test", "yahoo.test", "libero.test")


@lab.app.command("prove")
def prove(
    ctx: typer.Context,
    count: Annotated[int, typer.Option("--count", "-n", help="Mails to send.", min=1, max=10_000)] = 100,
    timeout: Annotated[
        int, typer.Option(help="Seconds that mail may take to arrive.", min=1, show_default=True)
    ] = 90,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, a line a message.")] = False,
) -> None:
    """Add a customer, its keys and its DNS, send mails, and show what the world received.

    Exit code 1 when any message is missing, doubled, or not right in every respect.
    """
    root = context(ctx)
    tools = _tools(root)
    trusted = tuple(root.load().fqdn(host) for host in root.load().group("world"))
    prepare(tools, CUSTOMER, output.note)
    with counting(count) as progress:
        report = run_proof(tools, CUSTOMER.name, count, RECEIVERS, trusted, timeout, progress, output.note)
    if json_:
        output.as_json({"seconds": report.seconds, "doubled": report.doubled, "messages": report.lines})
    else:
        _show(report)
    if not report.right:
        wrong = [f"{line.recipient}: {', '.join(line.faults)}" for line in report.lines if line.faults]
        raise CheckFailed("Not every mail is right: " + "; ".join(wrong[:5] or [f"{report.doubled} doubled"]))


def _show(report: Report) -> None:
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in report.lines:
        seen = line.proof
        key = (
            line.recipient.rpartition("@")[2],
            seen.frontend if seen else "-",
            seen.backend if seen else "-",
        )
        groups[key].append(line)
    output.table(_COLUMNS, [_row(key, lines) for key, lines in sorted(groups.items())])
    verified = sum(all(line.verified.get(kind) for kind in ("rsa", "ed25519")) for line in report.lines)
    received = sum(line.proof is not None for line in report.lines)
    output.say(
        f"{received} of {len(report.lines)} received, {report.doubled} doubled; dkimpy verifies both "
        f"signatures of {verified}; {report.seconds:.1f} s from the first submission to the last arrival."
    )


def _row(key: tuple[str, str, str], lines: list[Line]) -> list[str | Text]:
    proofs = [line.proof for line in lines if line.proof is not None]
    count = len(lines)

    def share(good: int) -> Text:
        return Text(f"{good}/{count}", "green" if good == count else "bold red")

    tls = sorted({" ".join(version or "none" for version in seen.tls) for seen in proofs})
    seconds = [line.seconds for line in lines if line.seconds is not None]
    return [
        *key,
        share(len(proofs)),
        share(sum(seen.spf == "pass" for seen in proofs)),
        share(sum(seen.dkim.get("rsa") == "pass" for seen in proofs)),
        share(sum(seen.dkim.get("ed25519") == "pass" for seen in proofs)),
        share(sum(seen.dmarc == "pass" for seen in proofs)),
        ", ".join(tls),
        f"{median(seconds):.0f} s, at most {max(seconds):.0f} s" if seconds else "-",
    ]


def _tools(root: Context) -> Tools:
    inventory = root.load()
    settings = inventory.settings
    hosts = inventory.group("world")
    if not hosts:
        raise UsageError(
            f"{root.path} has no world to send to.",
            hint="The proof runs in the lab: 'provisioner lab up' first.",
        )

    @contextmanager
    def session(login: Login) -> Iterator[Submission]:
        address = str(settings.virtual_address)
        with Submission(address, settings.submission_name, authority=root.path / "secrets/ca.crt") as opened:
            opened.login(login.name, login.password)
            yield opened

    return Tools(
        store=TenantFiles(root.path),
        passwords=passwords,
        keys=lambda: wiring.rotation_tools(root.load()),
        resolver=wiring.asker,
        publisher=wiring.publisher,
        push=tenants.push,
        session=session,
        received_since=lambda since: world.received_since(hosts[0], since),
        verify=lambda raw: dkim_verify.verify(raw, _txt(inventory)),
    )


def _txt(inventory: Inventory) -> dkim_verify.TxtLookup:
    """Look TXT up once a name through the fleet's resolver."""
    resolver = wiring.resolver(inventory.settings)

    @cache
    def lookup(name: str) -> bytes | None:
        answer = resolver.lookup(name, "TXT")
        return answer.values[0].encode() if answer.outcome is Outcome.FOUND else None

    return lookup
