"""What `dns verify` is told: domains to look at, rates, files to write, a resolver."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

from provisioner.adapters.yaml_files import write_atomic
from provisioner.cli import wiring
from provisioner.core.errors import Fault, InventoryError, UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.spam_rates import parse as rates_in
from provisioner.workflows.customer import known
from provisioner.workflows.dkim import owned

MOST = 100_000
"""Domains in a file."""


def subjects(
    inventory: Inventory,
    domains: Sequence[str] | None,
    customer: str | None,
    file: Path | None,
    *,
    everything: bool,
    fleet: bool,
) -> tuple[str | None, ...]:
    """What to look at; None is the fleet. Raises UsageError, or InventoryError for a file."""
    ways = [bool(domains), customer is not None, file is not None, everything]
    if sum(ways) > 1 or not (any(ways) or fleet):
        raise UsageError(
            "Give domains, --customer, --file or --all, one of them; or --fleet, alone or besides"
        )
    found: list[str] = []
    if customer is not None:
        found += known(inventory, customer).domains
    elif file is not None:
        found += _from_file(inventory, file)
    elif everything:
        found += [domain for each in inventory.customers for domain in each.domains]
        if not (found or fleet):
            raise UsageError("There are no customers yet", hint="provisioner customer add")
    elif domains:
        found += _all_owned(inventory, domains)
    return (*([None] if fleet else []), *dict.fromkeys(found))


def _all_owned(inventory: Inventory, domains: Sequence[str]) -> list[str]:
    found, faults = [], []
    for domain in domains:
        try:
            found.append(owned(inventory, domain))
        except UsageError as error:
            faults.append(error)
    if faults:
        raise UsageError("; ".join(error.message for error in faults), hint=faults[0].hint)
    return found


def _from_file(inventory: Inventory, file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error
    texts = {number: text.strip() for number, text in enumerate(lines, 1) if text.strip()}
    if not texts:
        raise UsageError(f"{file} names no domain")
    if len(texts) > MOST:
        raise UsageError(f"{file} names {len(texts):,} domains; at most {MOST:,} go at a time")
    found, faults = [], []
    for number, text in texts.items():
        try:
            found.append(owned(inventory, text))
        except UsageError as error:
            faults.append(Fault(str(file), number, error.message))
    if faults:
        raise InventoryError(faults, str(file))
    return found


def spam_rate_file(file: Path) -> Mapping[str, float]:
    """The rates in a file. Raises UsageError when it can't be read, InventoryError for every fault in it."""
    try:
        return rates_in(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error


def server(inventory: Inventory, resolver: str | None) -> str | None:
    """The address given. Raises UsageError when it is none, or nobody answers there or at the fleet's own."""
    if resolver is None:
        wiring.find_resolver(inventory.settings)
        return None
    try:
        address = str(ip_address(resolver))
    except ValueError:
        raise UsageError(f"--resolver {resolver}: not an IP address") from None
    if not wiring.answers(address):
        raise UsageError(f"--resolver {resolver}: no name server answers there")
    return address


def see_writable(file: Path | None) -> None:
    """Before a look that may take long: whether its report can be written. Raises UsageError."""
    if file is None:
        return
    folder = next(each for each in file.absolute().parents if each.exists())
    if file.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"{file} can't be written: it is a folder, or {folder} is none to write in")


def write(file: Path, text: str) -> None:
    """Write a report that others may read. Raises UsageError when it can't be."""
    try:
        write_atomic(file, text, mode=0o644)
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror or error}") from error
