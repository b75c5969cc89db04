"""How many of a domain's readers call its mail spam, as receivers tell it (Postmaster Tools). Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from provisioner.core import names
from provisioner.core.errors import Fault, InventoryError

TARGET, ALARM = 0.001, 0.003
"""Google: keep below 0.1 %, never reach 0.3 % (support.google.com/a/answer/81126)."""

COLUMNS = ("domain", "rate")


def parse(text: str, file: str) -> Mapping[str, float]:
    """The rates in a CSV file with the columns domain and rate, by domain; of several the highest counts.

    A rate is a part of one (0.0012), as Google's API has it, or a percentage (0.12%). Raises InventoryError
    with every fault and its line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    given = [name.strip().lower() for name in reader.fieldnames or ()]
    if lacking := [name for name in COLUMNS if name not in given]:
        raise InventoryError([Fault(file, 1, f"no column {' and no column '.join(lacking)}")], file)
    reader.fieldnames = given
    rates: dict[str, float] = {}
    faults = []
    try:
        for row in reader:
            try:
                domain, rate = names.domain((row["domain"] or "").strip()), _rate(row["rate"] or "")
            except ValueError as error:
                faults.append(Fault(file, reader.line_num, str(error)))
            else:
                rates[domain] = max(rate, rates.get(domain, 0.0))
    except csv.Error as error:
        faults.append(Fault(file, reader.line_num, f"not CSV: {error}"))
    if faults:
        raise InventoryError(faults, file)
    return rates


def _rate(text: str) -> float:
    number = text.strip().removesuffix("%").strip()
    try:
        rate = float(number) / (100 if "%" in text else 1)
    except ValueError:
        raise ValueError(f"{text!r} is no rate: write 0.0012 or 0.12%") from None
    if not 0 <= rate <= 1:
        raise ValueError(f"{text!r} is no rate: it is not between 0 and 100 %")
    return rate
