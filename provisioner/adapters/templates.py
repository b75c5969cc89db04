"""What is rendered for people, from the top-level `templates/`."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import provisioner

ROOT = Path(provisioner.__file__).parent.parent / "templates"


def environment(folder: str) -> Environment:
    """Templates of one folder; pages escape what is put into them, and a name that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(ROOT / folder),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html.j2"]),
    )
