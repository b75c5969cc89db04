"""Enable and start a set of services in one call to the host."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

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


def main():
    """Ask systemd once for all, act on what differs."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    names = module.params["names"]

    def systemctl(*arguments):
        return module.run_command(["systemctl", *arguments])

    def words(verb):
        answers = systemctl(verb, *names)[1].split()
        return dict(zip(names, answers + ["unknown"] * (len(names) - len(answers)), strict=False))

    stopped = [name for name, state in words("is-active").items() if state != "active"]
    # is-enabled prints nothing for a unit that does not exist, so ask one by one what is not plainly right
    disabled = [name for name in names if systemctl("is-enabled", name)[1].strip() != "enabled"]
    if not module.check_mode:
        for verb, units in (("enable", disabled), ("start", stopped)):
            if units:
                code, _, error = systemctl(verb, *units)
                if code != 0:
                    log = module.run_command(
                        ["journalctl", "-n", "15", "--no-pager", "-o", "cat", "-u", units[0]]
                    )
                    module.fail_json(msg=f"systemctl {verb} {' '.join(units)}: {error.strip()}", log=log[1])
    module.exit_json(changed=bool(stopped or disabled), started=stopped, enabled=disabled)


if __name__ == "__main__":
    main()
