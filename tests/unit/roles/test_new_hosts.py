"""What new hosts get at once is what their own playbooks install after it."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.adapters.ansible import PROJECT
from provisioner.adapters.yaml_files import parse


def entries(playbook: str) -> Any:
    return parse((PROJECT / f"playbooks/{playbook}.yml").read_text(encoding="utf-8"))


(INSTALL,) = [task for task in entries("tasks/new_host") if "vars" in task]


@pytest.mark.parametrize(("group", "roles"), INSTALL["vars"]["new_host_roles_of"].items())
def test_the_roles_are_those_of_the_playbook(group: str, roles: list[str]) -> None:
    (play,) = entries(group)
    assert (play["hosts"], play["roles"]) == (group, ["common", *roles])
