"""What an inventory directory holds once its files are read, and what is wrong in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from pydantic import BaseModel, ValidationError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Encrypted:
    """A value under `!vault`, still encrypted."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: its path relative to the inventory, and its plain data.

    valid: the customer or the keys that it was found to hold when it was last read; there is no data then.
    """

    file: str
    data: object
    valid: object = None

    @property
    def stem(self) -> str:
        """The file's name without the ending."""
        return self.file.rpartition("/")[2].removesuffix(".yml")


@dataclass(frozen=True)
class Documents:
    """All files of one inventory. `group_vars` and `host_vars`: by group's or host's name, in order.

    encrypted: those files among them that are encrypted as a whole, and so not read.
    """

    path: PurePath
    fleet: Document
    hosts: Document
    group_vars: Mapping[str, tuple[Document, ...]] = field(default_factory=dict)
    host_vars: Mapping[str, tuple[Document, ...]] = field(default_factory=dict)
    plans: Document | None = None
    customers: tuple[Document, ...] = ()
    keys: tuple[Document, ...] = ()
    encrypted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Problem:
    """One thing wrong: in which file, at which key, what, what to do. Who read the file finds the line."""

    file: str
    path: KeyPath
    message: str
    hint: str = ""


def model_problems(
    error: ValidationError, model: type[BaseModel], file: str, prefix: KeyPath = ()
) -> Iterable[Problem]:
    """Pydantic's errors in the words of the file; never a value that could be a secret."""
    errors = error.errors(include_url=False)
    for item in errors:
        if item["type"] == "too_short" and any(_is_below(other["loc"], item["loc"]) for other in errors):
            continue  # it is too short because what is in it is wrong
        path = prefix + tuple(part for part in item["loc"] if part != "function-after")
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        kind, given = item["type"], item["input"]
        if kind == "extra_forbidden":
            yield Problem(file, path, f"unknown key {key!r}", _did_you_mean(key, model, item["loc"]))
        elif kind == "missing":
            yield Problem(file, path, f"{key!r} is missing")
        elif kind == "value_error":
            reason = str(item.get("ctx", {}).get("error", item["msg"]))
            yield Problem(file, path, f"{key}: {reason}" if item["loc"] else reason)
        else:
            text = item["msg"][:1].lower() + item["msg"][1:]
            shown = f", not {given!r}" if kind in {"enum", "literal_error", "greater_than_equal"} else ""
            yield Problem(file, path, f"{key}: {text}{shown}")


def _is_below(inner: KeyPath, outer: KeyPath) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _did_you_mean(key: str, model: type[BaseModel], loc: KeyPath) -> str:
    if len(loc) != 1:
        return ""
    known = [info.alias or name for name, info in model.model_fields.items()]
    close = difflib.get_close_matches(key, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(known)}"
