"""How hosts are reached, by what an inventory says: the same way as Ansible, or a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.adapters.inventory_files import load
from provisioner.core.errors import InventoryError
from tests import samples


def test_how_hosts_are_reached_follows_ansible(tmp_path: Path) -> None:
    samples.write(tmp_path)
    (tmp_path / "group_vars/all/connection.yml").write_text(
        "ansible_user: deploy\nansible_ssh_private_key_file: '{{ inventory_dir }}/id'\n"
        "ansible_ssh_common_args: -o UserKnownHostsFile={{ inventory_dir }}/known -o BatchMode=yes\n"
    )
    (tmp_path / "group_vars/backends.yml").write_text("ansible_port: 2222\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/be2.yml").write_text("ansible_user: other\n")
    inventory = load(tmp_path)
    fe1, be2 = inventory.host("fe1"), inventory.host("be2")
    assert fe1 is not None
    assert be2 is not None
    assert (fe1.connection.user, fe1.connection.port) == ("deploy", 22)
    assert fe1.connection.private_key == f"{tmp_path}/id"
    assert fe1.connection.known_hosts == f"{tmp_path}/known"
    assert (be2.connection.user, be2.connection.port) == ("other", 2222)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-o ProxyCommand='ssh -W %h:%p -q gate'", ("ssh -W %h:%p -q gate", None, None)),
        ("-oProxyCommand=none -J gate", (None, None, None)),
        ("-J admin@gate:2222,{{ inventory_dir }}", (None, "admin@gate:2222,DIR", None)),
        ("-C -o 'proxyjump gate' -J other", (None, "gate", None)),
        ("-o UserKnownHostsFile=~/known -o ServerAliveInterval=15 -4q", (None, None, "~/known")),
        ("-o 'UserKnownHostsFile \"/a b/known\"'", (None, None, "/a b/known")),
    ],
)
def test_the_way_to_hosts_is_that_of_ssh(
    tmp_path: Path, arguments: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    samples.write(tmp_path)
    file = tmp_path / "group_vars/backends.yml"
    file.write_text(f"ansible_ssh_common_args: >-\n  {arguments}\n")
    host = load(tmp_path).host("be1")
    assert host is not None
    found = host.connection
    jump = expected[1] and expected[1].replace("DIR", str(tmp_path))
    assert (found.proxy_command, found.proxy_jump, found.known_hosts) == (expected[0], jump, expected[2])


@pytest.mark.parametrize(
    ("arguments", "strange"),
    [
        ("-o Port=2222 -o BatchMode=yes -i key", "'Port=2222', '-i', 'key'"),
        ("-o ProxyCommand='ssh %h -l {{ somebody }}'", "'ProxyCommand=ssh %h -l {{ somebody }}'"),
        ("-o ProxyCommand='nc %C %h %p'", "'ProxyCommand=nc %C %h %p'"),
        ("-o 'UserKnownHostsFile=a b'", "'UserKnownHostsFile=a b'"),
        ("-o HostKeyAlias=x -F none", "'HostKeyAlias=x', '-F', 'none'"),
        ("-o ProxyJump='gate", '"-o ProxyJump=\'gate"'),
    ],
)
def test_a_way_that_only_ansible_would_go(tmp_path: Path, arguments: str, strange: str) -> None:
    samples.write(tmp_path)
    file = tmp_path / "group_vars/backends.yml"
    file.write_text(f"---\n# The backends.\nansible_ssh_extra_args: >-\n  {arguments}\n")
    message = "ansible_ssh_extra_args: the tool's own connections do not follow"
    with pytest.raises(InventoryError) as raised:
        load(tmp_path)
    assert [(fault.line, fault.message) for fault in raised.value.faults] == [(3, f"{message} {strange}")]
    assert raised.value.exit_code == 2
