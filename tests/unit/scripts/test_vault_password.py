"""Plain Ansible finds the vault password of the inventory at hand, as the tool itself does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.adapters.secret_files import SecretFiles
from tests import samples

PROJECT = Path(__file__).parents[3]
SCRIPT = PROJECT / "scripts/vault-password"


def printed(script: Path = SCRIPT, /, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROVISIONER_")}
    done = subprocess.run(
        [script], env={**clean, **environment}, stdout=subprocess.PIPE, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("named", ["", "hosts.yml"])
def test_the_inventory_that_the_environment_names(tmp_path: Path, named: str) -> None:
    root = samples.write(tmp_path)
    assert printed(PROVISIONER_INVENTORY=str(root / named)) == samples.PASSWORD


def test_a_file_that_the_environment_names_comes_first(tmp_path: Path) -> None:
    root = samples.write(tmp_path)
    (tmp_path / "another").write_text("another\n")
    said = printed(PROVISIONER_INVENTORY=str(root), PROVISIONER_VAULT_PASSWORD_FILE=str(tmp_path / "another"))
    assert said == "another"


def test_a_program_is_asked(tmp_path: Path) -> None:
    program = tmp_path / "ask"
    program.write_text("#!/bin/sh\necho from a keyring\n")
    program.chmod(0o700)
    assert printed(PROVISIONER_VAULT_PASSWORD_FILE=str(program)) == "from a keyring"


def test_the_labs_is_for_when_nothing_is_named(tmp_path: Path) -> None:
    project, mine = tmp_path / "project", tmp_path / "mine"
    (project / "scripts").mkdir(parents=True)
    script = Path(shutil.copy(SCRIPT, project / "scripts"))
    (project / "inventories/lab").mkdir(parents=True)
    (project / "inventories/lab/.vault-password").write_text("the lab's\n")
    assert printed(script) == "the lab's"
    assert printed(script, PROVISIONER_INVENTORY=str(mine)) == "unset"


def test_plain_ansible_reads_the_secrets_of_such_an_inventory(tmp_path: Path) -> None:
    root = samples.write(tmp_path)
    SecretFiles(root).ensure_variables({"vault_state_password": lambda: "opened"})
    assert "opened" not in (root / "group_vars/all/secrets.yml").read_text()
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PROVISIONER_", "ANSIBLE_VAULT"))
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", root, "--host", "be1"],
        cwd=PROJECT,
        env={**clean, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "PROVISIONER_INVENTORY": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["vault_state_password"] == "opened"
