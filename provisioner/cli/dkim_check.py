"""`provisioner dkim check`: do signers, inventory and DNS hold the same keys?"""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.adapters import dkim_keys, signers
from provisioner.adapters.tenant_files import TenantFiles
from provisioner.cli import output, wiring
from provisioner.cli.context import context
from provisioner.cli.dkim import Domains, Json, OfCustomer, app, chosen_or_all
from provisioner.core.errors import CheckFailed
from provisioner.core.findings import Status, all_good, worst
from provisioner.workflows import dkim_check


@app.command()
def check(
    ctx: typer.Context,
    domains: Domains = None,
    customer: OfCustomer = None,
    everything: Annotated[bool, typer.Option("--all", help="All domains.")] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Decrypt the private halves too; some 4 ms a key.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare each key's fingerprint on every signer, in the inventory and in DNS; name the odd one.

    Exit code 1 when one differs, or in doubt.
    """
    store = TenantFiles(context(ctx).path)
    inventory = store.load()
    names = chosen_or_all(inventory, domains, customer, everything=everything)
    load = store.key_loader(inventory)
    found = dkim_check.check(
        inventory,
        names,
        signers.read(inventory.group("backends"), () if everything else names),
        wiring.resolver(inventory.settings),
        (lambda key: dkim_keys.fingerprint(load(key))) if private else None,
    )
    if json:
        output.as_json({"status": worst(found), "findings": found})
    else:
        output.findings([each for each in found if not everything or each.status is not Status.PASS])
        output.say(f"{sum(each.status is Status.PASS for each in found)} keys agree everywhere.")
    if not all_good(found):
        odd = dict.fromkeys(
            f"{each.subject} at {each.server}" for each in found if each.status is not Status.PASS
        )
        raise CheckFailed(f"Keys differ, or are in doubt: {', '.join(list(odd)[:10])}")
