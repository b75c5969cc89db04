"""Where Ansible keeps its SSH connections open: each inventory's apart from others'.

The files in a folder are named after address, port and user (`control_path` in ansible.cfg). Two fleets
behind different gateways may have all three in common, and one would be deployed onto the other's hosts.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def shared() -> Path:
    """Ansible's own folder: that of a plain `ansible-playbook`, whatever the inventory."""
    return Path.home() / ".ansible" / "cp"


def folder(inventory: Path) -> Path:
    """The folder of an inventory. Its name is short: a socket's whole path has 107 bytes (unix(7))."""
    return shared() / hashlib.sha256(os.fsencode(inventory.resolve())).hexdigest()[:8]
