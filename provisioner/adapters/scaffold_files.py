"""Write a new inventory from the templates in `templates/inventory`, every setting explained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

import provisioner
from provisioner.adapters import vault
from provisioner.adapters.yaml_files import write_atomic
from provisioner.core.errors import UsageError
from provisioner.core.scaffold import Scaffold

TEMPLATES = Path(provisioner.__file__).parent.parent / "templates" / "inventory"
_MODE = 0o644
# A file in templates/ that git would obey by its name has another one there.
_RENAMED = {"gitignore": ".gitignore"}


def validated(name: str, domain: str) -> Scaffold:
    """A scaffold with these names. Raises UsageError when one is not a name."""
    try:
        return Scaffold(name=name, domain=domain)
    except ValidationError as error:
        told = "; ".join(str(item["msg"]).removeprefix("Value error, ") for item in error.errors())
        raise UsageError(told) from error


def render(scaffold: Scaffold) -> Mapping[str, str]:
    """The files of a new inventory: relative path → text."""
    # What is in {{ }} is for Ansible.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        variable_start_string="[[",
        variable_end_string="]]",
        autoescape=False,  # noqa: S701 - YAML, not HTML; the values are validated names
    )
    values = scaffold.model_dump()
    found = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.j2"))
    return {
        _RENAMED.get(name.removesuffix(".j2"), name.removesuffix(".j2")): environment.get_template(
            name
        ).render(values)
        for name in found
    }


def write(path: Path, scaffold: Scaffold) -> tuple[str, ...]:
    """Write a new inventory with a vault password of its own; the names of its files.

    Raises UsageError, with nothing written, when the folder already holds something.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} already exists", hint="Name a folder that is not there yet")
    files = render(scaffold)
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, text, mode=_MODE)
    made = vault.ensure_password(path)
    return (*files, *((vault.DEFAULT_FILE,) if made else ()))
