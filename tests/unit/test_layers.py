"""The direction of imports: cli → workflows → core ← adapters, and core without any input or output."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import provisioner

PACKAGE = Path(provisioner.__file__).parent
ALLOWED = {
    "core": {"core"},
    "adapters": {"adapters", "core"},
    "workflows": {"workflows", "core"},
    "cli": {"cli", "workflows", "adapters", "core"},
}
IMPURE = {"asyncio", "http", "os", "shutil", "socket", "ssl", "subprocess", "tempfile", "threading", "urllib"}
IMPURE |= {"ansible", "ansible_runner", "dns", "paramiko", "requests", "rich", "ruamel", "typer", "yaml"}


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, as dotted names."""
    package = ["provisioner", *file.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def files(layer: str) -> list[Path]:
    return sorted((PACKAGE / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_imports_only_what_it_may(layer: str) -> None:
    wrong = []
    for file in files(layer):
        for name in imports(file):
            parts = name.split(".")
            if parts[0] == "provisioner" and len(parts) > 1 and parts[1] not in ALLOWED[layer] | {"version"}:
                wrong.append(f"{file.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_core_has_no_input_and_no_output() -> None:
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in files("core")
        for name in imports(file)
        if name.split(".")[0] in IMPURE
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", ALLOWED)
def test_every_layer_was_looked_at(layer: str) -> None:
    assert files(layer)


def test_workflows_do_not_know_typer_or_rich() -> None:
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for layer in ("workflows", "adapters")
        for file in files(layer)
        for name in imports(file)
        if name.split(".")[0] in {"typer", "click"}
    ]
    assert wrong == []
