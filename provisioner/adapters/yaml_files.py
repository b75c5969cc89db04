"""YAML files: read fast, found again by line, edited with their comments, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Hashable
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from provisioner.core.documents import Encrypted, KeyPath

try:  # libyaml parses an inventory of 10,000 customers about eight times as fast
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # pragma: no cover - PyYAML without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

SECRET_MODE = 0o600


class YamlError(ValueError):
    """A text that is not the YAML expected; `line` counts from 1."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


class _Loader(_BaseLoader):
    """The safe loader, with Ansible's tags, and with an error for a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        given = len(node.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) < given:
            seen: set[str] = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise YamlError(f"the key {key.value!r} appears twice", key.start_mark.line + 1)
                seen.add(key.value)
        return mapping


def _encrypted(_loader: _Loader, node: yaml.ScalarNode) -> Encrypted:
    return Encrypted(node.value)


_Loader.add_constructor("!vault", _encrypted)
_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_object(node))


def parse(text: str) -> object:
    """The plain data in a YAML text; `!vault` values as `Encrypted`. Raises YamlError."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"not valid YAML: {error.problem}", mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise YamlError(f"not valid YAML: {error}", None) from error


def locate(text: str, path: KeyPath) -> int | None:
    """The line of a key, counted from 1; of the nearest thing around it when the key is not there."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return None
    line = node.start_mark.line + 1 if node is not None else None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def round_trip() -> YAML:
    """A reader and writer that keeps comments, order and quotes."""
    editor = YAML(typ="rt")
    editor.indent(mapping=2, sequence=4, offset=2)
    editor.width = 4096
    editor.preserve_quotes = True
    editor.explicit_start = True
    return editor


def edit(text: str) -> Any:
    """The editable form of a YAML text, for `render` afterwards."""
    return round_trip().load(text)


def render(data: Any) -> str:
    """The YAML text of editable or plain data."""
    buffer = StringIO()
    round_trip().dump(data, buffer)
    return buffer.getvalue()


def scalar(value: str) -> str:
    """A string to be written so that every YAML reader takes it for a string.

    The editor writes YAML 1.2; Ansible's reader and ours know 1.1, where `no` and `12:30` are not strings.
    """
    resolver: Any = yaml.SafeLoader("")
    resolved = resolver.resolve(yaml.ScalarNode, value, (True, False))
    return value if resolved == "tag:yaml.org,2002:str" else DoubleQuotedScalarString(value)


def plain(value: Any) -> Any:
    """Plain data with every string in it as `scalar` writes it."""
    if isinstance(value, dict):
        return {scalar(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return scalar(value) if isinstance(value, str) else value


def write_atomic(path: Path, content: str | bytes, mode: int = SECRET_MODE) -> None:
    """Replace a file in one step: a reader sees the old or the new, also after a crash. Makes folders."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make what was renamed or removed in a directory survive a crash."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
