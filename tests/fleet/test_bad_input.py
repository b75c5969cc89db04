"""A wrong inventory changes nothing and is told whole; a host that is away keeps nobody else waiting."""

from __future__ import annotations

from pathlib import Path

from tests.fleet.fleet import Fleet

BROKEN_HOSTS = """\
all:
  hosts:
    stray1: {ansible_host: 10.77.0.99}
  children:
    loadbalancers:
      hosts:
        lb1: {ansible_host: 10.77.0.11}
    frontends:
      hosts:
        fe1: {ansible_host: 10.77.0.21}
        fe2: {ansible_host: 10.77.0.21}
"""
BROKEN_CUSTOMER = """\
contact: not an address
plan: base
colour: blue
domains: [initech.example, acme.example]
accounts: []
"""


def test_every_fault_at_once_and_nothing_changed(fleet: Fleet, copy: Path) -> None:
    (copy / "hosts.yml").write_text(BROKEN_HOSTS)
    (copy / "customers/wrong.yml").write_text(BROKEN_CUSTOMER)
    (copy / "customers/other.yml").write_text(
        "contact: a@b.example\nplan: base\ndomains: [initech.example]\n"
    )
    before = _bundles(fleet)
    for command in (
        ["deploy"],
        ["status"],
        ["customer", "add", "x", "--domain", "x.example", "--contact", "a@b.example"],
    ):
        result = fleet.cli(*command, inventory=copy)
        assert result.returncode == 2, result.stderr
        for place in ("hosts.yml:3", "hosts.yml:11", "wrong.yml:1", "wrong.yml:3", "customers/wrong.yml:4"):
            assert place in result.stderr, f"{place} is not in {result.stderr}"
        assert "backends" in result.stderr
    assert _bundles(fleet) == before
    assert not (copy / "customers/x.yml").exists()


def test_a_vault_password_that_does_not_fit(fleet: Fleet, copy: Path) -> None:
    (copy / ".vault-password").write_text("another\n")
    result = fleet.cli("deploy", inventory=copy)
    assert result.returncode == 2
    assert "vault" in result.stderr.lower()


def test_no_vault_password_that_can_be_read(fleet: Fleet, copy: Path) -> None:
    (copy / ".vault-password").unlink()
    (copy / ".vault-password").mkdir()
    result = fleet.cli("customer", "list", inventory=copy)
    assert result.returncode == 2
    assert ".vault-password" in result.stderr


def test_a_host_that_is_away_is_named_and_the_others_are_finished(fleet: Fleet) -> None:
    """It is the only one of its group: Ansible by itself would end there, before the balancers' turn."""
    managed = "/etc/haproxy/haproxy.cfg"
    fleet.shell("lb2", f"echo '# by hand' >> {managed}")
    fleet.machines.signal("state1", "KILL")
    try:
        limit = "state1,lb2"
        result = fleet.cli("deploy", "--limit", limit)
        said = result.stdout + result.stderr
        assert result.returncode == 3, said
        assert "1 of 2 hosts are not done: state1" in result.stderr
        assert "# by hand" not in fleet.shell("lb2", f"cat {managed}")
        status = fleet.cli("status")
        assert (status.returncode, "state1" in status.stdout) == (3, True)
    finally:
        fleet.machines.up(lambda _: None)
    assert fleet.cli("deploy", "--limit", limit).returncode == 0


def test_what_a_broken_deployment_wrote_is_applied_by_the_next(fleet: Fleet) -> None:
    """The files are in place already, so nothing differs; the services still run with the old ones."""

    def state_since() -> str:
        return fleet.shell("fe2", "systemctl show --value -p StateChangeTimestampMonotonic dovecot")

    before = state_since()
    fleet.shell("fe2", "echo '# by hand' >> /etc/dovecot/dovecot.conf && chmod -x /usr/bin/doveconf")
    try:
        broken = fleet.cli("deploy", "--limit", "fe2")
        assert broken.returncode == 3, broken.stdout + broken.stderr
        assert "Check Dovecot" in broken.stdout
        assert state_since() == before
    finally:
        fleet.shell("fe2", "chmod +x /usr/bin/doveconf")
    fleet.done("deploy", "--limit", "fe2")
    after = state_since()
    assert after != before
    assert "0 changed" in fleet.done("deploy", "--limit", "fe2")
    assert state_since() == after


def _bundles(fleet: Fleet) -> list[str]:
    return [
        fleet.on(host.name, "provisioner-tenants", "status").text for host in fleet.inventory.tenant_hosts
    ]
