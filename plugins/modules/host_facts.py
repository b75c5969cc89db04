"""Learn in one cheap call what the roles ask of a host before they act: nothing to do costs little."""

from __future__ import annotations

import grp
import pwd
import subprocess
import time
from pathlib import Path

DOCUMENTATION = r"""
module: host_facts
short_description: Learn what roles need to know of a host in one call
description:
  - Returns the fact C(provisioner_host), with whether the host is new, the distribution, whether it is a
    container, installed packages, the age of the package lists, users, groups, active and masked units.
    Loading apt's own library for each question would cost more than all of these together.
author: [The provisioner maintainers]
"""

EXAMPLES = r"""
- name: Look at the host
  host_facts:
"""

RETURN = r"""
ansible_facts:
  description: >-
    C(provisioner_host) with new (no role was here before), distribution, release, container, packages,
    package_lists_age (seconds), users, groups, units (the active ones) and masked (units).
  returned: always
  type: dict
"""


def _lists_fetched() -> float:
    """When the package lists were fetched; 0 where there are none, as in a template that was cleaned."""
    folder = Path("/var/lib/apt/lists")
    if not any(folder.glob("*_Packages*")):
        return 0
    return folder.stat().st_mtime


def _masked() -> list[str]:
    """Units that are masked: links to /dev/null (systemctl(1)), where systemd looks first."""
    folders = (Path("/etc/systemd/system"), Path("/run/systemd/system"))
    links = (path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_symlink())
    return sorted({path.name for path in links if str(path.readlink()) == "/dev/null"})


def _lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def main(arguments: dict[str, object], check_mode: bool, diff: bool) -> dict[str, object]:
    """Look, change nothing."""
    del arguments, check_mode, diff
    with Path("/etc/os-release").open() as file:
        release = dict(line.strip().split("=", 1) for line in file if "=" in line)
    installed = _lines("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${binary:Package}\\n")
    units = _lines("systemctl", "list-units", "--state=active", "--plain", "--no-legend")
    container = subprocess.run(["systemd-detect-virt", "--quiet", "--container"], check=False)
    facts = {
        "new": not Path("/etc/provisioner").exists(),
        "distribution": release.get("ID", "").strip('"'),
        "release": release.get("VERSION_ID", "0").strip('"'),
        "container": container.returncode == 0,
        # The second letter is what a package is; the first what is wanted of it, "h" of one that is held.
        "packages": [words[1].split(":")[0] for words in map(str.split, installed) if words[0][1] == "i"],
        "package_lists_age": time.time() - _lists_fetched(),
        "users": [user.pw_name for user in pwd.getpwall()],
        "groups": [group.gr_name for group in grp.getgrall()],
        "units": [line.split()[0] for line in units],
        "masked": _masked(),
    }
    return {"changed": False, "ansible_facts": {"provisioner_host": facts}}
