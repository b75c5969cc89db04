"""Enable and start a set of services in one call to the host."""

from __future__ import annotations

import subprocess

DOCUMENTATION = r"""
module: services_running
short_description: Enable and start a set of systemd services in one call
description:
  - Does nothing when all are enabled and active. In check mode a unit not there yet counts as a change.
options:
  names: {description: 'Units, with their suffix.', type: list, elements: str, required: true}
author: [The provisioner maintainers]
"""

EXAMPLES = r"""
- name: Run the services
  services_running:
    names: [postfix.service]
"""

RETURN = r"""
started: {description: Units that were not active., type: list, returned: always}
enabled: {description: Units that were not enabled., type: list, returned: always}
"""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main(arguments: dict[str, list[str]], check_mode: bool, diff: bool) -> dict[str, object]:
    """Ask systemd once for all, act on what differs."""
    del diff
    names = arguments["names"]
    asked = _run("systemctl", "is-active", *names)
    states = asked.stdout.split()
    if len(states) != len(names):
        raise SystemExit(f"systemctl is-active: {asked.stderr.strip()}")
    stopped = [name for name, state in zip(names, states, strict=True) if state != "active"]
    # is-enabled prints nothing for a unit that does not exist, so ask one by one unless all is right
    if _run("systemctl", "is-enabled", *names).stdout.split() == ["enabled"] * len(names):
        disabled = []
    else:
        disabled = [
            name for name in names if _run("systemctl", "is-enabled", name).stdout.strip() != "enabled"
        ]
    if not check_mode:
        for verb, units in (("enable", disabled), ("start", stopped)):
            if units:
                done = _run("systemctl", verb, *units)
                if done.returncode != 0:
                    log = _run("journalctl", "-n", "15", "--no-pager", "-o", "cat", "-u", units[0]).stdout
                    raise SystemExit(f"systemctl {verb} {' '.join(units)}: {done.stderr.strip()}\n{log}")
    return {"changed": bool(stopped or disabled), "started": stopped, "enabled": disabled}
