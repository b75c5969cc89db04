"""Records written down for whoever deploys DNS otherwise: BIND's zone files, octoDNS's YAML, tables."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable

from provisioner.core.records import Record, group_by_owner

TXT_STRING = 255
"""Bytes in one string of a TXT record (RFC 1035 3.3.14)."""


def quoted(value: str) -> str:
    """A TXT value as zone files write it: strings of at most 255 bytes, in quotes."""
    chunks = [value[start : start + TXT_STRING] for start in range(0, len(value), TXT_STRING)] or [""]
    escaped = (chunk.replace("\\", "\\\\").replace('"', '\\"') for chunk in chunks)
    return " ".join(f'"{chunk}"' for chunk in escaped)


def bind(records: Iterable[Record], zone: str, ttl: int) -> str:
    """Records of a zone for a zone file, or for $INCLUDE in one: without SOA and NS, the server's own."""
    lines = [f"; {zone}: written by provisioner; changes are overwritten.", f"$ORIGIN {zone}.", f"$TTL {ttl}"]
    for record in sorted(records, key=lambda each: (_natural(each.name), each.type)):
        value = quoted(record.value) if record.type == "TXT" else _absolute(record)
        lines.append(f"{record.name}. {record.type} {value}")
    return "\n".join(lines) + "\n"


def octodns(records: Iterable[Record], zone: str, ttl: int) -> str:
    """The same for octoDNS's YamlProvider, which takes a file for the whole of a zone. JSON, so YAML too.

    Semicolons are escaped and names in natural order, as it expects by default.
    """
    data: dict[str, list[dict[str, object]]] = {}
    ordered = sorted(records, key=lambda each: _natural(each.name))
    for (owner, kind), some in group_by_owner(tuple(ordered)).items():
        name = owner.removesuffix(zone).removesuffix(".")
        values = [_octodns_value(record) for record in some]
        said = {"value": values[0]} if len(values) == 1 else {"values": values}
        data.setdefault(name, []).append({"ttl": ttl, "type": kind, **said})
    return json.dumps(data, indent=2) + "\n"


def _octodns_value(record: Record) -> object:
    if record.type == "MX":
        preference, _, exchange = record.value.partition(" ")
        return {"exchange": f"{exchange}.", "preference": int(preference)}
    return record.value.replace(";", "\\;") if record.type == "TXT" else _absolute(record)


def as_csv(records: Iterable[Record], _zone: str, ttl: int) -> str:
    """The same as a table (RFC 4180) for whatever else takes records: each value in one piece."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("name", "type", "ttl", "value", "purpose", "note"))
    for record in records:
        table.writerow((record.name, record.type, ttl, record.value, record.purpose, record.note))
    return text.getvalue()


def _absolute(record: Record) -> str:
    return f"{record.value}." if record.type in {"CNAME", "MX", "NS", "PTR"} else record.value


def _natural(name: str) -> list[tuple[int, str]]:
    """Numbers in a name by their value, as people sort them."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
