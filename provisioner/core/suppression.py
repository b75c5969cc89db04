"""Whom a customer may write to no more: one suppression list for all of its accounts and servers. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from provisioner.core import names
from provisioner.core.errors import Fault

COLUMNS = ("address", "reason", "at", "note")
MOST = 1_000_000
"""Addresses in one file."""

NOTE_LENGTH = 200


class Reason(StrEnum):
    """Why an address is on the list."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    MANUAL = "manual"


@dataclass(frozen=True)
class Entry:
    """An address on the list, in lower case: why, since when (UTC), and what is known besides."""

    address: str
    reason: Reason
    at: datetime
    note: str = ""


def normal(address: str) -> str:
    """An address as the list has it. Raises ValueError when it is none.

    Local parts could differ in case alone (RFC 5321 2.4), but no mailbox does: whoever left as Anna@ is not
    to get mail as anna@.
    """
    return names.email(address.strip()).lower()


def entry(address: str, reason: Reason, at: datetime, note: str = "") -> Entry:
    """An entry of the list. Raises ValueError for what is no address, or a note that is too long."""
    said = " ".join(note.split())
    if len(said) > NOTE_LENGTH:
        raise ValueError(f"a note of {len(said)} characters; {NOTE_LENGTH} at most")
    return Entry(normal(address), reason, at, said)


def parse(text: str, file: str, reason: Reason, now: datetime) -> tuple[list[Entry], list[Fault]]:
    """The entries of a table (RFC 4180), and every fault with its line.

    A column `address`, and if there are any reason, at (ISO 8601) and note; without a header one address a
    line. reason, now: what is said of an address where the table does not.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), skipinitialspace=True)
    entries: dict[str, Entry] = {}
    faults: list[Fault] = []
    header: list[str] | None = None
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if header is None:
                header = _header(cells)
                if header == [name.lower() for name in cells]:
                    faults += _unknown(header, file, rows.line_num)
                    continue
            try:
                found = _entry(dict(zip(header, cells, strict=False)), reason, now)
            except ValueError as error:
                faults.append(Fault(file, rows.line_num, str(error)))
            else:
                entries.setdefault(found.address, found)
    except csv.Error as error:
        faults.append(Fault(file, rows.line_num, f"not CSV: {error}"))
    if not entries and not faults:
        faults.append(Fault(file, 1, "it names no address"))
    if len(entries) > MOST:
        faults.append(Fault(file, MOST, f"{len(entries):,} addresses; at most {MOST:,} go at a time"))
    return list(entries.values()), faults


def _header(cells: list[str]) -> list[str]:
    """The names of the columns: the first line's, if it is a header."""
    given = [cell.lower() for cell in cells]
    return given if "address" in given else ["address"]


def _unknown(header: list[str], file: str, line: int) -> list[Fault]:
    known = f"Known: {', '.join(COLUMNS)}"
    return [Fault(file, line, f"unknown column {name!r}", known) for name in header if name not in COLUMNS]


def _entry(cells: dict[str, str], reason: Reason, now: datetime) -> Entry:
    why, at = cells.get("reason", ""), cells.get("at", "")
    if why and why not in {each.value for each in Reason}:
        raise ValueError(f"reason {why!r} is none of {', '.join(Reason)}")
    return entry(
        cells.get("address", ""),
        Reason(why) if why else reason,
        _moment(at) if at else now,
        cells.get("note", ""),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"at {text!r} is no date: write 2026-11-24 or 2026-11-24T12:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def render(entries: Iterable[Entry]) -> str:
    """The entries as a table that `parse` reads."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for each in entries:
        table.writerow((each.address, each.reason.value, f"{each.at:%Y-%m-%dT%H:%M:%SZ}", each.note))
    return text.getvalue()
