"""Ask backends which keys they sign with, and what lies in the files of those."""

from __future__ import annotations

import json
from collections.abc import Sequence

from provisioner.adapters.deliveries import run_tool
from provisioner.adapters.ssh import on_each
from provisioner.core.drift import SignerKeys
from provisioner.core.fleet import Host

_TOOL = "provisioner_keys.py"


def read(backends: Sequence[Host], domains: Sequence[str]) -> dict[str, SignerKeys]:
    """By host, what it has for these domains; for all when none is named. Never raises for one host."""
    stdin = json.dumps(list(domains)).encode()
    found = {}
    for outcome in on_each(backends, lambda ssh: run_tool(ssh, _TOOL, (), stdin)):
        if outcome.value is None:
            reason = outcome.error.reason if outcome.error else ""
            found[outcome.host.name] = SignerKeys(away=reason)
        else:
            said = outcome.value
            found[outcome.host.name] = SignerKeys(said["signs"], said["holds"], tuple(said.get("stray", ())))
    return found
