"""The names that a new inventory is made with."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

from provisioner.core.names import Domain, Slug

EXAMPLE_DOMAIN = "operator.example"
"""A reserved name (RFC 2606), to be replaced in the files when no other is given."""


class Scaffold(BaseModel):
    """A fleet's short name, and the zone of its hosts."""

    model_config = ConfigDict(frozen=True)

    name: Slug
    domain: Domain = EXAMPLE_DOMAIN


def name_from(folder: str) -> str:
    """A fleet's short name out of a folder's: `Fleet North` gives `fleet-north`."""
    return re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-") or "fleet"
