"""Customers from a table (CSV, RFC 4180): all of them, or every fault with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from provisioner.core.customers import Customer
from provisioner.core.documents import model_problems
from provisioner.core.errors import Fault
from provisioner.core.fleet import Inventory
from provisioner.core.newcomers import Newcomer, claims, conflicts

NEEDED = ("name", "contact", "domains")
OPTIONAL = ("plan", "login", "password_hash", "time_zone", "language")
PLACEHOLDER = "$argon2id$v=19$m=1,t=1,p=1$none$none"
"""Stands for the hash of a password that is only made once everything else is right."""


@dataclass(frozen=True)
class Row:
    """One customer of the table and its line. needs_password: it brought no hash of its own."""

    line: int
    customer: Customer
    needs_password: bool


def parse(text: str, file: str, inventory: Inventory) -> tuple[list[Row], list[Fault]]:
    """The table's customers, and everything that is wrong with it or with them beside those that are there.

    Columns by the header: NEEDED and OPTIONAL; several domains stand in one cell with spaces between.
    """
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    header = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    faults = [Fault(file, 1, f"column {name!r} is missing") for name in NEEDED if name not in header]
    known = f"Known: {', '.join((*NEEDED, *OPTIONAL))}"
    faults += [
        Fault(file, 1, f"unknown column {name!r}", known)
        for name in header
        if name not in NEEDED and name not in OPTIONAL
    ]
    if faults:
        return [], faults
    rows: list[Row] = []
    newcomers: list[tuple[int, Newcomer]] = []
    try:
        for cells in reader:
            line = reader.line_num
            if None in cells:  # which is whose can't be known
                faults.append(Fault(file, line, "has more cells than the header"))
                continue
            given = {str(name): str(cell or "").strip() for name, cell in cells.items()}
            try:
                row = _row(given, line)
                rows.append(row)
                newcomers.append((line, row.customer))
            except ValidationError as error:
                problems = model_problems(error, Customer, "")
                faults += [Fault(file, line, problem.message) for problem in problems]
                domains = given["domains"].split()
                newcomers.append((line, claims(given["name"], given.get("plan", ""), domains, _login(given))))
    except csv.Error as error:
        faults.append(Fault(file, reader.line_num, f"not CSV: {error}"))
    found = conflicts(inventory, [(f"line {line}", newcomer) for line, newcomer in newcomers])
    faults += [Fault(file, int(place.removeprefix("line ")), message) for place, message in found]
    if not rows and not faults:
        faults.append(Fault(file, None, "has no customer in it"))
    return rows, faults


def _row(given: Mapping[str, str], line: int) -> Row:
    """The customer of a line. Raises ValidationError."""
    facts: dict[str, object] = {
        name: given[name] for name in ("name", "contact", "plan", "time_zone", "language") if given.get(name)
    }
    own_hash = given.get("password_hash", "")
    facts["domains"] = given["domains"].split()
    facts["accounts"] = [{"login": _login(given), "password_hash": own_hash or PLACEHOLDER}]
    return Row(line, Customer.model_validate(facts), needs_password=not own_hash)


def _login(given: Mapping[str, str]) -> str:
    return given.get("login") or given["name"]
