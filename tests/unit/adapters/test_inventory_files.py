from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from provisioner.adapters import inventory_files, vault
from provisioner.adapters.inventory_files import find, load
from provisioner.core.errors import Fault, InventoryError, UsageError
from tests import samples


def faults(root: Path) -> list[Fault]:
    before = samples.snapshot(root)
    with pytest.raises(InventoryError) as caught:
        load(root)
    assert caught.value.exit_code == 2
    assert samples.snapshot(root) == before
    return list(caught.value.faults)


def told(root: Path) -> list[str]:
    return [str(fault).removeprefix(f"{root}/") for fault in faults(root)]


def test_a_good_inventory(tmp_path: Path) -> None:
    inventory = samples.inventory(tmp_path)
    assert [host.name for host in inventory.group("frontends")] == ["fe1", "fe2"]
    assert [host.name for host in inventory.tenant_hosts] == ["fe1", "fe2", "be1", "be2"]
    assert [str(address) for address in inventory.egress_addresses] == [
        "192.0.2.31",
        "198.51.100.32",
        "2001:db8::32",
    ]
    assert [customer.name for customer in inventory.customers] == ["acme", "globex"]
    assert inventory.settings.message_size_limit == 26_214_400
    owner = inventory.owner("shop.acme.example")
    assert owner is not None
    assert owner.logins == ("acme-shop", "acme-web")


def test_a_host_in_no_group(tmp_path: Path) -> None:
    samples.write(tmp_path, hosts=samples.HOSTS + "  hosts:\n    stray: {ansible_host: 192.0.2.99}\n")
    assert told(tmp_path) == ["hosts.yml:24: host 'stray' is in no group that has a role"]


def test_two_hosts_with_one_address(tmp_path: Path) -> None:
    samples.write(tmp_path, hosts=samples.HOSTS.replace("192.0.2.22", "192.0.2.21"))
    assert told(tmp_path) == [
        "hosts.yml:10: host 'fe2' has the address 192.0.2.21, which host 'fe1' has already"
    ]


def test_a_host_with_the_virtual_address(tmp_path: Path) -> None:
    samples.write(tmp_path, hosts=samples.HOSTS.replace("192.0.2.22", "192.0.2.10"))
    assert "which fleet_virtual_address has already" in told(tmp_path)[0]


def test_two_stores_that_could_not_replace_each_other(tmp_path: Path) -> None:
    one = "        state1: {ansible_host: 192.0.2.41}\n"
    two, three = (f"        state{n}: {{ansible_host: 192.0.2.4{n}}}\n" for n in (2, 3))
    samples.write(tmp_path, hosts=samples.HOSTS.replace(one, one + two))
    assert told(tmp_path) == [
        "hosts.yml:2: 'state' has two hosts, which could not tell which of them is cut off"
    ]
    samples.write(tmp_path, hosts=samples.HOSTS.replace(one, one + two + three))
    assert len(load(tmp_path).group("state")) == 3


@pytest.mark.parametrize(
    ("host", "group", "both"),
    [
        ("lb1", "frontends", "'loadbalancers' and in 'frontends'"),
        ("be1", "frontends", "'frontends' and in 'backends'"),
        ("be2", "loadbalancers", "'loadbalancers' and in 'backends'"),
        ("world1", "backends", "'backends' and in 'world'"),
    ],
)
def test_groups_whose_roles_write_the_same_files(tmp_path: Path, host: str, group: str, both: str) -> None:
    text = samples.HOSTS + "    world:\n      hosts:\n        world1: {ansible_host: 192.0.2.61}\n"
    start = f"    {group}:\n      hosts:\n"
    samples.write(tmp_path, hosts=text.replace(start, f"{start}        {host}:\n"))
    (found,) = told(tmp_path)
    assert found.partition(": ")[2] == f"host {host!r} is in {both}"


def test_a_store_may_share_a_host_with_anything(tmp_path: Path) -> None:
    own = "        state1: {ansible_host: 192.0.2.41}\n"
    shared = samples.HOSTS.replace(own, "        lb1:\n        fe2:\n        be1:\n")
    stores = samples.inventory(tmp_path, hosts=shared).group("state")
    assert [host.name for host in stores] == ["lb1", "fe2", "be1"]


@pytest.mark.parametrize("group", ["backends", "frontends", "loadbalancers", "state"])
def test_a_group_that_no_fleet_can_do_without(tmp_path: Path, group: str) -> None:
    samples.write(tmp_path, hosts=samples.HOSTS.replace(f"    {group}:", f"    other_{group}:"))
    assert f"hosts.yml:2: there is no host in '{group}'; a fleet needs at least one" in told(tmp_path)


def test_hosts_below_nested_groups_count(tmp_path: Path) -> None:
    nested = (
        samples.HOSTS.replace(
            "    backends:\n      hosts:\n",
            "    backends:\n      children:\n        racks:\n          hosts:\n",
        )
        .replace("        be", "            be")
        .replace("          ansible_host: 192.0.2.32", " " * 14 + "ansible_host: 192.0.2.32")
    )
    nested = nested.replace("          egress", " " * 14 + "egress")
    inventory = samples.inventory(tmp_path, hosts=nested)
    assert [host.name for host in inventory.group("backends")] == ["be1", "be2"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fe1: {ansible_host: fe1.example}", "ansible_host of 'fe1': 'fe1.example' is not an IP address"),
        ("fe1: {ansible_host: 192.0.2.300}", "ansible_host of 'fe1': '192.0.2.300' is not an IP address"),
        ("fe1: {}", "host 'fe1' has no ansible_host"),
        ("'fe[1:3]': {ansible_host: 192.0.2.21}", "'fe[1:3]' is not a host name"),
    ],
)
def test_a_host_that_is_wrong(tmp_path: Path, line: str, message: str) -> None:
    samples.write(tmp_path, hosts=samples.HOSTS.replace("fe1: {ansible_host: 192.0.2.21}", line))
    assert told(tmp_path) == [f"hosts.yml:9: {message}"]


def test_egress_addresses_that_are_wrong(tmp_path: Path) -> None:
    samples.write(tmp_path, hosts=samples.HOSTS.replace("198.51.100.32,", "elsewhere,"))
    assert told(tmp_path) == ["hosts.yml:16: egress_addresses of 'be2': 'elsewhere' is not an IP address"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("plan: base", "plan: base\ncolour: red", ["customers/acme.yml:5: unknown key 'colour'"]),
        ("contact: postmaster@acme.example", "contact: nobody",
         ["customers/acme.yml:3: contact: 'nobody' is not an e-mail address"]),
        ("contact: postmaster@acme.example", "x: 1",
         ["customers/acme.yml:3: 'contact' is missing", "customers/acme.yml:3: unknown key 'x'"]),
        ("plan: base", "plan: gold", ["customers/acme.yml:4: there is no plan 'gold'"]),
        ("plan: base", "plan: base\ntime_zone: Europe/Atlantis",
         ["customers/acme.yml:5: time_zone: 'Europe/Atlantis' is not a time zone"]),
        ("plan: base", "plan: base\noverrides: {recipients: {value: 1, until: 2030-01-01, reason: x}}",
         ["customers/acme.yml:3: overrides: 'recipients' is no limit of a plan"]),
        ("plan: base", "plan: base\noverrides:\n  connections: {value: 1, until: soon, reason: x}",
         ["customers/acme.yml:6: until: input should be a valid date"]),
        ("  - shop.acme.example", "  - shop", ["customers/acme.yml:7: domains: 'shop' is not a domain name"]),
        ("login: acme-shop", "login: acme-web", ["customers/acme.yml:11: login 'acme-web' appears twice"]),
        ("  - shop.acme.example", "  - ACME.example",
         ["customers/acme.yml:7: domain 'acme.example' appears twice"]),
        ("  - shop.acme.example", "  - be1.operator.example",
         ["customers/acme.yml:7: domain 'be1.operator.example' is a name of the fleet itself"]),
        ("plan: base", "plan: base\nplan: plus", ["customers/acme.yml:5: the key 'plan' appears twice"]),
        ("plan: base", "plan: [", ["customers/acme.yml:6: not valid YAML: "]),
    ],
)  # fmt: skip
def test_a_customer_file_that_is_wrong(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    samples.write(tmp_path, acme=samples.ACME.replace(old, new))
    found = told(tmp_path)
    assert len(found) == len(expected)
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True))


def test_a_mistyped_key_has_a_hint(tmp_path: Path) -> None:
    samples.write(tmp_path, acme=samples.ACME.replace("domains:", "domain:"))
    assert "Did you mean 'domains'?" in [fault.hint for fault in faults(tmp_path)]


def test_a_password_is_not_repeated_in_a_fault(tmp_path: Path) -> None:
    samples.write(tmp_path, acme=samples.ACME.replace(samples.HASH, "hunter2", 1))
    found = told(tmp_path)
    assert len(found) == 1
    assert "is not a password hash" in found[0]
    assert "hunter2" not in found[0]


def test_a_domain_and_a_login_claimed_twice(tmp_path: Path) -> None:
    text = samples.GLOBEX.replace("globex.example\nacc", "acme.example\nacc").replace(
        "login: globex", "login: acme-web"
    )
    samples.write(tmp_path, globex=text)
    assert told(tmp_path) == [
        "customers/globex.yml:5: domain 'acme.example' is claimed by customers/acme.yml already",
        "customers/globex.yml:7: login 'acme-web' is claimed by customers/acme.yml already",
    ]


def test_an_internationalised_domain_is_the_same_in_both_spellings(tmp_path: Path) -> None:
    samples.write(
        tmp_path,
        acme=samples.ACME.replace("shop.acme.example", "bücher.example"),
        globex=samples.GLOBEX.replace("- globex.example", "- xn--bcher-kva.example"),
    )
    assert "is claimed by" in told(tmp_path)[0]


def test_settings_that_are_wrong(tmp_path: Path) -> None:
    text = samples.FLEET.replace("fleet_dkim_zone: dkim.operator.example", "fleet_dkim_zoen: x.example")
    text = text.replace("192.0.2.10", "10").replace("hostmaster@mailbox.test", "hostmaster")
    samples.write(tmp_path, fleet=text + "other_variable: 1\nfleet_recipient_limit: many\n")
    assert told(tmp_path) == [
        "group_vars/all/fleet.yml:2: 'fleet_dkim_zone' is missing",
        "group_vars/all/fleet.yml:5: fleet_virtual_address: 10 is not an IP address",
        "group_vars/all/fleet.yml:8: unknown key 'fleet_dkim_zoen'",
        "group_vars/all/fleet.yml:9: fleet_postmaster: 'hostmaster' is not an e-mail address",
        "group_vars/all/fleet.yml:14: fleet_recipient_limit: input should be a valid integer",
    ]


def test_fleet_settings_belong_in_one_file(tmp_path: Path) -> None:
    samples.write(tmp_path)
    (tmp_path / "group_vars/frontends.yml").write_text("a: 1\nfleet_recipient_limit: 3\n")
    assert told(tmp_path) == ["group_vars/frontends.yml:2: 'fleet_recipient_limit' does not belong here"]


@pytest.mark.parametrize("name", ["hosts", "fleet"])
def test_a_missing_file_is_one_fault(tmp_path: Path, name: str) -> None:
    samples.write(tmp_path, **{name: None})
    assert [line.split(": ")[1] for line in told(tmp_path)] == ["is missing"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    samples.write(tmp_path)
    (tmp_path / "customers/x.yml").write_bytes(b"contact: \xff\n")
    (tmp_path / "customers/y.yaml").write_text("contact: a@b.example\n")
    (tmp_path / "customers/z.yml").write_text("- just\n- a list\n")
    assert told(tmp_path) == [
        "customers/x.yml: is not UTF-8 text",
        "customers/y.yaml: is not read, because it is not a .yml file",
        "customers/z.yml:1: is not a mapping with contact, plan, domains, accounts",
    ]


def test_every_fault_at_once(tmp_path: Path) -> None:
    hosts = samples.HOSTS.replace("    backends:", "    other:").replace("192.0.2.22", "192.0.2.21")
    samples.write(
        tmp_path,
        hosts=hosts,
        acme=samples.ACME.replace("contact: postmaster@acme.example", "contact: nobody\ncolour: red"),
        globex=samples.GLOBEX.replace("globex.example\nacc", "acme.example\nacc"),
        password="",
    )
    assert told(tmp_path) == [
        ".vault-password: the vault password is empty",
        "customers/acme.yml:3: contact: 'nobody' is not an e-mail address",
        "customers/acme.yml:4: unknown key 'colour'",
        "customers/globex.yml:5: domain 'acme.example' is claimed by customers/acme.yml already",
        "hosts.yml:2: there is no host in 'backends'; a fleet needs at least one",
        "hosts.yml:10: host 'fe2' has the address 192.0.2.21, which host 'fe1' has already",
        "hosts.yml:13: host 'be1' is in no group that has a role",
        "hosts.yml:14: host 'be2' is in no group that has a role",
    ]


def test_a_vault_password_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples.write(tmp_path, acme=samples.ACME.replace("plan: base", "plan: gold"))
    monkeypatch.setenv("PROVISIONER_VAULT_PASSWORD_FILE", str(tmp_path / "nowhere"))
    found = told(tmp_path)
    assert found[1] == "nowhere: the vault password cannot be read: No such file or directory"
    assert found[0].startswith("customers/acme.yml:4: there is no plan")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_vault_password_without_permission(tmp_path: Path) -> None:
    samples.write(tmp_path)
    (tmp_path / vault.DEFAULT_FILE).chmod(0)
    assert told(tmp_path) == [".vault-password: the vault password cannot be read: Permission denied"]


def test_a_vault_password_that_does_not_fit(tmp_path: Path) -> None:
    samples.write(tmp_path)
    (tmp_path / inventory_files.SECRETS).write_text(vault.Vault(b"another").encrypt(b"a: b\n"))
    assert told(tmp_path) == ["group_vars/all/secrets.yml: cannot be decrypted with the vault password"]


def test_an_inventory_without_secrets_needs_no_password_yet(tmp_path: Path) -> None:
    assert samples.inventory(tmp_path, password=None).settings.name == "test"


def test_which_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find().parts[-2:] == ("inventories", "lab")
    monkeypatch.setenv("PROVISIONER_INVENTORY", str(tmp_path))
    assert find() == tmp_path
    assert find(tmp_path / "other" / "hosts.yml") == tmp_path / "other"
    with pytest.raises(UsageError, match="no inventory"):
        load(tmp_path / "none")


def test_addresses_are_addresses(tmp_path: Path) -> None:
    assert samples.inventory(tmp_path).settings.virtual_address == ip_address("192.0.2.10")
