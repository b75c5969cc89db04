"""Where things are kept that can be had again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """`$PROVISIONER_CACHE`, else the XDG cache folder."""
    explicit = os.environ.get("PROVISIONER_CACHE")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provisioner"
