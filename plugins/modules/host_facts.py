"""Learn in one cheap call what the roles ask of a host before they act: nothing to do costs little."""

from __future__ import annotations

import grp
import pwd
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: host_facts
short_description: Learn what roles need to know of a host in one call
description:
  - Returns the fact C(provisioner_host), with the distribution, whether it is a container, installed
    packages, the age of the package lists, users, groups, active and masked units.
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
    C(provisioner_host) with distribution, release, container, packages, package_lists_age (seconds), users,
    groups, units (the active ones) and masked (units).
  returned: always
  type: dict
"""


def _lists_fetched():
    """When the package lists were fetched; 0 where there are none, as in a template that was cleaned."""
    folder = Path("/var/lib/apt/lists")
    if not any(folder.glob("*_Packages*")):
        return 0
    return folder.stat().st_mtime


def _masked():
    """Units that are masked: links to /dev/null (systemctl(1)), where systemd looks first."""
    folders = (Path("/etc/systemd/system"), Path("/run/systemd/system"))
    links = (path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_symlink())
    return sorted({path.name for path in links if str(path.readlink()) == "/dev/null"})


def main():
    """Look, change nothing."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)

    def lines(*command):
        return module.run_command(list(command), check_rc=True)[1].splitlines()

    with Path("/etc/os-release").open() as file:
        release = dict(line.strip().split("=", 1) for line in file if "=" in line)
    installed = lines("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${binary:Package}\\n")
    packages = [words[1].split(":")[0] for words in map(str.split, installed) if words[0] == "ii"]
    units = [
        line.split()[0]
        for line in lines("systemctl", "list-units", "--state=active", "--plain", "--no-legend")
    ]
    facts = {
        "distribution": release.get("ID", "").strip('"'),
        "release": release.get("VERSION_ID", "0").strip('"'),
        "container": module.run_command(["systemd-detect-virt", "--quiet", "--container"])[0] == 0,
        "packages": packages,
        "package_lists_age": time.time() - _lists_fetched(),
        "users": [user.pw_name for user in pwd.getpwall()],
        "groups": [group.gr_name for group in grp.getgrall()],
        "units": units,
        "masked": _masked(),
    }
    module.exit_json(changed=False, ansible_facts={"provisioner_host": facts})


if __name__ == "__main__":
    main()
