"""Change a YAML list of mappings by its lines: a hundred times as fast as reading and writing it all.

Everything that is not changed keeps its bytes, comments too. The list is the whole text, in block style, as
`new_list` writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from textwrap import indent

import yaml

from provisioner.core.documents import Encrypted

try:
    from yaml import CSafeDumper as _BaseDumper
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without libyaml
    from yaml import SafeDumper as _BaseDumper  # type: ignore[assignment]
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Value = str | int | bool | Encrypted


class _Dumper(_BaseDumper):
    """The safe dumper, with Ansible's encrypted values."""


_Dumper.add_representer(
    Encrypted, lambda dumper, value: dumper.represent_scalar("!vault", value.text, style="|")
)


def new_list(entries: Sequence[Mapping[str, Value]]) -> str:
    """The text of a list."""
    return "---\n" + _rendered(list(entries), "  ") if entries else "---\n[]\n"


def append(text: str, entries: Sequence[Mapping[str, Value]]) -> str:
    """The list with more entries at its end. Raises ValueError when it is not in block style."""
    there = _entries(text)
    if not there:
        return new_list(entries)
    margin = " " * (there[0].start_mark.column - 2)
    return text.rstrip("\n") + "\n" + _rendered(list(entries), margin)


def change(text: str, wanted: Mapping[str, Mapping[str, Value | None]], key: str) -> str:
    """The list with fields set, or removed where None, in those entries whose `key` has that value.

    Fields that are there already so stay untouched. Raises ValueError when it is not in block style.
    """
    lines = text.splitlines(keepends=True)
    # From the end on, so that what was found keeps its place.
    for entry in reversed(_entries(text)):
        fields = {name.value: (name, value) for name, value in entry.value}
        for name, value in wanted.get(fields[key][1].value, {}).items():
            if name in fields:
                first, last = fields[name][0].start_mark.line, fields[name][1].end_mark.line
                if value is None:
                    lines[first] = ""
                elif fields[name][1].value != (str(value).lower() if isinstance(value, bool) else str(value)):
                    margin = lines[first][: fields[name][0].start_mark.column]
                    lines[first] = margin + _rendered({name: value}, "")
                if first != last:
                    raise ValueError(f"{name} is not on one line")
            elif value is not None:
                margin = " " * entry.start_mark.column
                lines[entry.start_mark.line] += _rendered({name: value}, margin)
    return "".join(lines)


def remove(text: str, values: Collection[str], key: str) -> str:
    """The list without those entries whose `key` has one of these values. Raises ValueError as `append`."""
    entries, lines = _entries(text), text.splitlines(keepends=True)
    starts = [entry.start_mark.line for entry in entries] + [len(lines)]
    kept = len(entries)
    for position, entry in reversed(list(enumerate(entries))):
        fields = {name.value: value.value for name, value in entry.value}
        if fields[key] in values:
            del lines[starts[position] : starts[position + 1]]
            kept -= 1
    return "".join(lines) if kept else new_list(())


def _entries(text: str) -> list[yaml.MappingNode]:
    node = yaml.compose(text, Loader=_Loader)
    if isinstance(node, yaml.SequenceNode):
        entries = [each for each in node.value if isinstance(each, yaml.MappingNode) and not each.flow_style]
        if len(entries) == len(node.value) and not (entries and node.flow_style):
            return entries
    raise ValueError("it is not a list of mappings in block style")


def _rendered(data: object, margin: str) -> str:
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
    return indent(text, margin)
