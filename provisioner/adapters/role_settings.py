"""Whether an inventory's settings are such as the roles take: by what each role says of itself.

Ansible asks the same of a role when its turn comes, in the middle of a deployment, and host by host; and it
takes no offence at a name that no role knows. Here all is told at once, with file and line, before anything
happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

import provisioner
from provisioner.adapters import inventory_files
from provisioner.adapters.yaml_files import parse
from provisioner.core.documents import Documents, Problem
from provisioner.core.errors import InventoryError
from provisioner.core.fleet import Inventory
from provisioner.core.role_settings import Setting, settings, stranger

ROLES = Path(provisioner.__file__).parent.parent / "roles"


def load(path: Path) -> Inventory:
    """The inventory, its roles' settings looked at too. Raises InventoryError with every fault in either."""
    faults = list(inventory_files.faults(path, problems))
    try:
        inventory = inventory_files.load(path)
    except InventoryError as error:
        raise InventoryError({*error.faults, *faults}) from error
    if faults:
        raise InventoryError(faults)
    return inventory


def problems(documents: Documents) -> Iterator[Problem]:
    """What is wrong with settings of roles in an inventory's files."""
    specs = {file.parent.parent.name: _options(file) for file in ROLES.glob("*/meta/argument_specs.yml")}
    known = {name: spec for options in specs.values() for name, spec in options.items()}
    for setting in settings(documents):
        if problem := stranger(setting, specs, known):
            yield problem
        elif setting.name in known and setting.final:
            yield from _wrong(setting, known[setting.name])


def _options(file: Path) -> Mapping[str, Any]:
    specs: Any = parse(file.read_text(encoding="utf-8"))
    return specs["argument_specs"]["main"].get("options") or {}


def _wrong(setting: Setting, spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What Ansible says against a value; it names the setting itself."""
    result = ArgumentSpecValidator({setting.name: dict(spec)}).validate({setting.name: setting.value})
    for message in result.error_messages:
        yield Problem(setting.file, setting.path, message)
