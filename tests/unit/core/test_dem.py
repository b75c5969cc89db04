"""Accounts with plans of their own, and what has to hold of list servers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from provisioner_quota.accounts import parse

from provisioner.adapters import vault
from provisioner.adapters.inventory_files import load
from provisioner.core.bounces import Bounce, to_suppress
from provisioner.core.bundle import compile_bundle
from provisioner.core.certificates import host_names
from provisioner.core.customers import Account, Customer
from provisioner.core.dem import DemServer
from provisioner.core.errors import InventoryError
from provisioner.core.plans import SHIPPED, Plan, Suppression
from provisioner.core.reconciliation import LoginMail, Tally, reconcile
from provisioner.core.usage import Counts, counters, usages
from tests import samples
from tests.unit.core.test_bundle import ACME, HASH, INVENTORY

DEM = Account(login="acme-dem", password_hash=HASH, plan="dem", return_tag="8f3a01c2")


def changed(customer: Customer, **facts: object) -> Customer:
    return Customer.model_validate({**customer.model_dump(mode="json"), **facts})


EXCEPTION = {"recipients_per_day": {"value": 7, "until": "2030-01-01", "reason": "x"}}
WITH_DEM = replace(
    INVENTORY,
    customers=(changed(ACME, accounts=(*ACME.accounts, DEM), overrides=EXCEPTION), *INVENTORY.customers[1:]),
)
AT = datetime(2030, 1, 1, tzinfo=UTC)
HOSTS = f"{samples.HOSTS}    dem:\n      hosts:\n        dem1: {{ansible_host: 192.0.2.71}}\n"
ACCOUNT = f"""\
  - login: acme-dem
    password_hash: {samples.HASH}
    plan: dem
    return_tag: 8f3a01c2
"""
SETTINGS = """\
dem_customer: acme
dem_site: news.acme.example
dem_domain: acme.example
dem_software: sympa
dem_admin: owner@acme.example
dem_account: acme-dem
dem_return_tag: 8f3a01c2
"""
OPEN = SETTINGS.replace("owner@acme.example", "owner@elsewhere.example") + "dem_discussions: true\n"


def write(root: Path, settings: str = SETTINGS, **changes: str | None) -> Path:
    """The sample inventory with a list server."""
    samples.write(root, **({"hosts": HOSTS, "acme": samples.ACME + ACCOUNT} | changes))
    folder = root / "host_vars/dem1"
    folder.mkdir(parents=True)
    (folder / "dem.yml").write_text(f"---\n{settings}")
    secret = b"dem_account_password: a\ndem_admin_password: b\ndem_database_password: c\n"
    (folder / "dem_secrets.yml").write_text(vault.Vault(samples.PASSWORD.encode()).encrypt(secret))
    return root


def told(root: Path) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        load(root)
    return [str(fault).removeprefix(f"{root}/") for fault in caught.value.faults]


def test_an_account_may_have_a_plan_of_its_own() -> None:
    lines = compile_bundle(WITH_DEM).frontend["accounts"].decode().splitlines()
    facts = {line.split(" ", 1)[0]: json.loads(line.split(" ", 1)[1]) for line in lines}
    assert facts["acme-dem"]["counter"] == "acme/acme-dem"
    assert facts["acme-dem"]["customer"] == "acme"
    assert facts["acme-dem"]["limits"] == {}
    assert "overrides" not in facts["acme-dem"]
    assert "counter" not in facts["acme-web"]
    assert facts["acme-web"]["overrides"]
    assert parse(json.dumps(facts["acme-dem"]).encode()).counter == "acme/acme-dem"
    assert parse(json.dumps(facts["acme-web"]).encode()).counter == "acme"


def test_suspension_holds_for_all_accounts_of_a_customer() -> None:
    reason = {"reason": "unpaid", "since": "2030-01-01T00:00:00Z"}
    held = changed(WITH_DEM.customers[0], suspended=reason)
    bundle = compile_bundle(replace(WITH_DEM, customers=(held,)))
    assert bundle.frontend["accounts"].count(b'"suspended":"unpaid"') == 3


def test_what_is_counted_apart_is_told_apart() -> None:
    assert list(counters(WITH_DEM, WITH_DEM.customers)) == ["acme", "acme/acme-dem", "globex"]
    counts = {"acme": Counts({"d": 500}, 3), "acme/acme-dem": Counts({"d": 90_000}, 40_000)}
    apart, whole = sorted(usages(WITH_DEM, counts), key=lambda each: each.counter, reverse=True)
    assert (apart.counter, apart.plan, apart.today, apart.day_limit) == (
        "acme/acme-dem", "dem", 90_000, None,
    )  # fmt: skip
    assert (whole.counter, whole.plan, whole.today) == ("acme", "base", 500)


def test_both_witnesses_count_both() -> None:
    counts = {"acme": Counts({"2030-01-01": 5}, 0), "acme/acme-dem": Counts({"2030-01-01": 900}, 0)}
    mail = {
        "acme": [
            LoginMail({1893456000: Tally(5, 5, 0)}, {}, {}),
            LoginMail({1893456000: Tally(900, 890, 10)}, {}, {}),
        ]
    }
    (found,) = reconcile(WITH_DEM, WITH_DEM.customers[:1], counts, mail, date(2030, 1, 1))
    assert (found.counted, found.taken, found.difference) == (905, 905, 0)


def test_a_list_is_asked_by_the_plan_of_the_account() -> None:
    careless = {**SHIPPED, "dem": Plan(name="dem", suppression=Suppression.OFF)}
    gone = [
        Bounce(login, f"{login}@b.example", "5.1.1", "no such user", AT) for login in ("acme-dem", "acme-web")
    ]
    both = to_suppress(WITH_DEM, gone)["acme"]
    assert {each.address for each in both} == {"acme-dem@b.example", "acme-web@b.example"}
    (one,) = to_suppress(replace(WITH_DEM, plans=careless), gone)["acme"]
    assert one.address == "acme-web@b.example"


def test_a_list_server_is_read(tmp_path: Path) -> None:
    inventory = load(write(tmp_path))
    server = inventory.dem_server("acme")
    assert server == DemServer(
        host="dem1", customer="acme", site="news.acme.example", domain="acme.example",
        admin="owner@acme.example", account="acme-dem", return_tag="8f3a01c2",
    )  # fmt: skip
    assert inventory.dem_server("globex") is None
    host = inventory.dem_host("acme-dem")
    assert host is not None
    assert host_names(inventory, host) == ("dem1.operator.example", "dem1", "192.0.2.71", "news.acme.example")
    assert inventory.dem_host("acme-web") is None
    assert [host.name for host in inventory.group("dem")] == ["dem1"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("dem_customer: acme", "dem_customer: nobody", "2: there is no customer 'nobody'"),
        ("news.acme.example", "news.globex.example",
         "3: 'news.globex.example' belongs to another customer, 'globex'"),
        ("news.acme.example", "news.other.example",
         "3: 'news.other.example' is in none of the domains of 'acme'"),
        ("news.acme.example", "smtp.operator.example",
         "3: 'smtp.operator.example' is a name of the fleet itself"),
        ("dem_domain: acme.example", "dem_domain: globex.example",
         "4: 'globex.example' belongs to another customer, 'globex'"),
        ("dem_domain: acme.example", "dem_domain: x.acme.example",
         "4: 'x.acme.example' is none of the domains of 'acme'"),
        ("dem_software: sympa", "dem_software: mailman",
         "5: dem_software: input should be 'sympa' or 'phplist', not 'mailman'"),
        ("dem_software: sympa", "dem_software: phplist",
         "2: phplist needs dem_archive and dem_archive_sha256"),
        ("dem_software: sympa", "dem_software: phplist\ndem_archive: /a.tgz\ndem_archive_sha256: abc",
         "7: dem_archive_sha256: string should match pattern '^[0-9a-f]{64}$'"),
        ("dem_account: acme-dem", "dem_account: nobody", "7: 'acme' has no account 'nobody'"),
        ("dem_account: acme-dem", "dem_account: acme-web",
         "7: account 'acme-web' has not the plan 'dem' of its own"),
        ("tag: 8f3a01c2", "tag: 00000000", "8: dem_return_tag: input should be a valid string"),
        ("tag: 8f3a01c2", "tag: 0000000a", "8: is not the return_tag of account 'acme-dem'"),
        ("dem_software: sympa", "dem_software: sympa\ndem_colour: red", "6: unknown key 'dem_colour'"),
        ("dem_software: sympa", "dem_software: sympa\nother: red", "6: unknown key 'other'"),
        ("dem_software: sympa", "dem_software: sympa\ndem_host: dem2", "6: unknown key 'dem_host'"),
        ("dem_software: sympa", "dem_certificate: given", "2: a certificate that is given needs "),
    ],
)  # fmt: skip
def test_a_list_server_that_is_wrong(tmp_path: Path, old: str, new: str, expected: str) -> None:
    write(tmp_path, SETTINGS.replace(old, new))
    found = told(tmp_path)
    assert any(line.startswith(f"host_vars/dem1/dem.yml:{expected}") for line in found), found


def test_all_faults_of_list_servers_at_once(tmp_path: Path) -> None:
    hosts = f"{HOSTS}        dem2: {{ansible_host: 192.0.2.72}}\n        be1: {{}}\n"
    write(tmp_path, SETTINGS + "dem_x: 1\n", hosts=hosts)
    found = [line.removesuffix(": it says whose list server the host is") for line in told(tmp_path)]
    assert found == [
        "host_vars/be1/dem.yml: is missing",
        "host_vars/be1/dem_secrets.yml: is missing",
        "host_vars/dem1/dem.yml:9: unknown key 'dem_x'",
        "host_vars/dem2/dem.yml: is missing",
        "host_vars/dem2/dem_secrets.yml: is missing",
        "hosts.yml:27: host 'be1' is in 'dem' and in 'backends'; a list server has its own host",
    ]


def test_a_list_server_is_no_part_of_the_world_around_a_lab(tmp_path: Path) -> None:
    world = "    world:\n      hosts:\n        dem1: {}\n"
    write(tmp_path, hosts=HOSTS + world)
    (found,) = told(tmp_path)
    assert found == "hosts.yml:25: host 'dem1' is in 'dem' and in 'world'; a list server has its own host"


def test_a_customer_has_one_list_server(tmp_path: Path) -> None:
    write(tmp_path, hosts=f"{HOSTS}        dem2: {{ansible_host: 192.0.2.72}}\n")
    (tmp_path / "host_vars/dem2").mkdir()
    for name in ("dem.yml", "dem_secrets.yml"):
        (tmp_path / "host_vars/dem2" / name).write_text((tmp_path / "host_vars/dem1" / name).read_text())
    found = told(tmp_path)
    assert "host_vars/dem1/dem.yml:2: customer 'acme' has a list server already, 'dem2'" in found
    assert "host_vars/dem2/dem.yml:2: customer 'acme' has a list server already, 'dem1'" in found
    assert "host_vars/dem2/dem.yml:3: 'news.acme.example' is another list server's site already" in found


def test_passwords_of_a_list_server_are_encrypted(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "host_vars/dem1/dem_secrets.yml").write_text("dem_admin_password: hunter2\n")
    (found,) = told(tmp_path)
    assert found.startswith("host_vars/dem1/dem_secrets.yml:1: is not encrypted")
    assert "hunter2" not in found


def test_an_account_with_a_plan_that_is_none(tmp_path: Path) -> None:
    samples.write(tmp_path, acme=samples.ACME + ACCOUNT.replace("plan: dem", "plan: gold"))
    assert told(tmp_path) == ["customers/acme.yml:15: there is no plan 'gold'"]


def test_discussions_make_a_domains_mail_come_through_the_fleet(tmp_path: Path) -> None:
    plain = load(write(tmp_path / "plain"))
    lists = "dem_lists: [{name: team, subject: Team, kind: discussion}]\n"
    inventory = load(write(tmp_path / "open", OPEN + lists))
    bundles = [compile_bundle(each) for each in (plain, inventory)]
    assert [each.frontend["posts"] for each in bundles] == [b"", b"acme.example posts:[192.0.2.71]\n"]
    assert all(each.frontend["posts"] == each.backend["posts"] for each in bundles)
    assert bundles[0].version != bundles[1].version


def test_discussions_are_asked_for_and_sympas(tmp_path: Path) -> None:
    lists = "dem_lists: [{name: team, subject: Team, kind: discussion}]\n"
    assert any(
        "needs 'dem_discussions: true'" in each for each in told(write(tmp_path / "a", SETTINGS + lists))
    )
    other = SETTINGS.replace("sympa", "phplist") + f"dem_archive: x.tgz\ndem_archive_sha256: {'a' * 64}\n"
    found = told(write(tmp_path / "b", f"{other}dem_discussions: true\n"))
    assert any("phplist takes no mail from readers" in each for each in found)
    closed = told(write(tmp_path / "c", f"{SETTINGS}dem_discussions: true\n"))
    assert any("'owner@acme.example' would get no mail" in each for each in closed)
