"""What is rendered for people, from the top-level `templates/`."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import provisioner
from provisioner.core.visible import visible

ROOT = Path(provisioner.__file__).parent.parent / "templates"


def environment(folder: str) -> Environment:
    """Templates of one folder; pages escape what is put into them, and a name that is missing is an error.

    What nobody would see of it is spelled out: much of it is what others put into DNS.
    """
    return Environment(
        loader=FileSystemLoader(ROOT / folder),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html.j2"]),
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
