"""What commands print: tables and findings for people, JSON for programs. Colours only on a terminal."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from provisioner.core.difference import difference
from provisioner.core.errors import InventoryError, ProvisionerError
from provisioner.core.findings import Finding, Status
from provisioner.core.visible import visible

# In a pipe lines must not be folded at an imagined terminal's width.
_PIPE_WIDTH = 10_000
_STYLES = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.UNKNOWN: "magenta"}


class _Plain(Console):
    """A console on which only our own styles control the terminal: texts from DNS and servers do not."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def console(*, stderr: bool = False) -> Console:
    """A console for the current standard output or error."""
    stream = sys.stderr if stderr else sys.stdout
    return _Plain(file=stream, highlight=False, width=None if stream.isatty() else _PIPE_WIDTH)


def say(text: str) -> None:
    """A line for a person, on standard output."""
    console().print(text, markup=False, soft_wrap=True)


def note(text: str) -> None:
    """A line on standard error: progress and remarks that must stay out of a pipe."""
    console(stderr=True).print(text, markup=False, soft_wrap=True)


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A table; long values fold inside their column on a terminal."""
    grid = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    for header in headers:
        grid.add_column(header, overflow="fold")
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else escape(visible(cell)) for cell in row))
    console().print(grid)


def as_json(value: Any) -> None:
    """A value as JSON: dataclasses and models as objects, addresses and times as text."""
    # Laid out for people alone: for ten thousand domains that takes a second.
    print(json.dumps(value, indent=2 if sys.stdout.isatty() else None, default=_plain))


def findings(found: Sequence[Finding], *, title: str = "") -> None:
    """Findings as a table, with what was expected beside what is wrong; then what to do."""
    if title:
        console().print(Text(f"\n{title}", "bold"))
    table(
        ("Status", "Check", "Subject", "Expected", "Seen", "Server"),
        [
            (
                Text(item.status.value, _STYLES[item.status]),
                item.id,
                item.subject,
                "" if item.status is Status.PASS else item.expected,
                _marked(item),
                item.server,
            )
            for item in found
        ],
    )
    fixes = list(dict.fromkeys(item.fix for item in found if item.fix and item.status is not Status.PASS))
    if fixes:
        say("\nTo do:")
        for fix in fixes:
            say(f"  - {fix}")


def _marked(item: Finding) -> Text:
    """What was seen; of what is wrong, the pieces that were not expected stand out."""
    seen = visible(item.seen)
    if item.status is Status.PASS:
        return Text(seen)
    parts = difference(item.expected, seen)
    return Text.assemble(*((part.text, "bold reverse" if part.odd else "") for part in parts))


def error(problem: ProvisionerError) -> None:
    """An error on standard error: what happened, every fault, and what to do next."""
    out = console(stderr=True)
    out.print(Text("Error: ", "bold red").append(problem.message, "not bold default"), soft_wrap=True)
    if isinstance(problem, InventoryError):
        for fault in problem.faults:
            out.print(str(fault), markup=False, soft_wrap=True)
            if fault.hint:
                out.print(f"    {fault.hint}", markup=False, style="dim", soft_wrap=True)
    if problem.hint:
        out.print(f"Hint: {problem.hint}", markup=False, soft_wrap=True)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
