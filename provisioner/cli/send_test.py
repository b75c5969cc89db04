"""`provisioner send-test`: is mail of this customer accepted, signed and delivered, or where does it stop?"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Annotated

import typer
from rich.text import Text

from provisioner.adapters import mail_log, passwords, tenants
from provisioner.adapters.submission import Receipt, Submission
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output
from provisioner.cli.context import context
from provisioner.core.errors import CheckFailed
from provisioner.core.names import email
from provisioner.workflows.customer import known
from provisioner.workflows.probe import Login, temporary_login
from provisioner.workflows.send_test import Hop, send_and_follow, sending_domain

_COLOURS = {
    **dict.fromkeys(("submitted", "handed over", "queued", "delivered"), "green"),
    "bounced": "bold red",
}


app = typer.Typer(add_completion=False)


@app.command("send-test")
def send_test(
    ctx: typer.Context,
    customer: Annotated[str, typer.Option("--customer", "-c", help="Send as this customer.")],
    to: Annotated[list[str], typer.Option("--to", help="Recipient; may be given several times.")],
    domain: Annotated[
        str | None, typer.Option("--domain", help="Of the customer's domains, this one.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="465 (TLS) or 587 (STARTTLS).")] = 587,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to follow the message.", min=1)] = 60,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Submit a message through the load balancer as a customer, follow it, and report each hop.

    It logs in with a login of its own that exists only meanwhile; the customer's password is not needed.
    Exit code 1 when the message was refused or not delivered within the time.
    """
    root = context(ctx)
    inventory = root.load()
    sender = known(inventory, customer)
    recipients = [_recipient(address) for address in to]
    from_domain = sending_domain(inventory, sender, domain)
    settings = inventory.settings

    def submit(login: Login, mail_from: str, addresses: Sequence[str], message: EmailMessage) -> Receipt:
        address = str(settings.virtual_address)
        with Submission(address, settings.submission_name, port, root.path / "secrets/ca.crt") as session:
            session.login(login.name, login.password)
            return session.send(mail_from, addresses, message)

    def tell(hop: Hop) -> None:
        if not json_:
            output.console().print(_line(hop), soft_wrap=True)

    followed = send_and_follow(
        inventory,
        from_domain,
        recipients,
        temporary_login(TenantFiles(root.path), sender.name, passwords, tenants.push, output.note),
        submit,
        mail_log.lines_about,
        tell,
        timeout,
    )
    if json_:
        output.as_json(followed)
    if not followed.delivered:
        raise CheckFailed(
            f"{followed.message_id} was not delivered to everyone within {timeout:.0f} s.",
            hint="A deferred message is tried again by itself; the reason stands in its line.",
        )


def _recipient(address: str) -> str:
    try:
        return email(address)
    except ValueError as error:
        raise typer.BadParameter(f"{address}: {error}", param_hint="--to") from error


def _line(hop: Hop) -> Text:
    line = Text(f"{hop.stage:<11}", _COLOURS.get(hop.stage, "yellow"))
    line.append(f" {hop.place}  {hop.result}", "default")
    if hop.tls:
        line.append(f"  {hop.tls}", "default")
    if hop.seconds:
        line.append(f"  {hop.seconds:.2f} s", "default")
    if hop.detail:
        line.append(f"\n{'':<12}{hop.detail}", "dim")
    return line
