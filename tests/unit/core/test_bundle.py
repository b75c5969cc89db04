from __future__ import annotations

import base64
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.bundle import compile_bundle
from provisioner.core.customers import Account, Customer
from provisioner.core.dkim import DkimKey
from provisioner.core.fleet import FleetSettings, Inventory
from provisioner.core.plans import SHIPPED, Suppression

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
SHA512 = "{SHA512-CRYPT}$6$salt$" + 86 * "h"
SETTINGS = FleetSettings.model_validate(
    {
        "fleet_name": "test",
        "fleet_domain": "operator.example",
        "fleet_submission_name": "smtp.operator.example",
        "fleet_virtual_address": "192.0.2.10",
        "fleet_bounce_domain": "bounce.operator.example",
        "fleet_spf_name": "_spf.operator.example",
        "fleet_dkim_zone": "dkim.operator.example",
        "fleet_postmaster": "hostmaster@mailbox.test",
    }
)


def customer(name: str, domains: list[str], logins: list[str], password: str = HASH) -> Customer:
    accounts = [{"login": login, "password_hash": password} for login in logins]
    facts = {"name": name, "contact": f"it@{domains[0]}", "domains": domains, "accounts": accounts}
    return Customer.model_validate(facts)


def key(domain: str, seed: int, state: str = "active", selector: str = "e1") -> DkimKey:
    public = base64.b64encode(seed.to_bytes(32, "big")).decode()
    facts = {"domain": domain, "selector": selector, "algorithm": "ed25519", "slot": 1}
    return DkimKey.model_validate(
        facts | {"state": state, "created": datetime(2025, 1, 1, tzinfo=UTC), "public": public}
    )


ACME = customer("acme", ["acme.example", "shop.acme.example"], ["acme-web", "acme-app"])
GLOBEX = customer("globex", ["globex.example"], ["globex"], SHA512)
KEYS = (key("acme.example", 1), key("globex.example", 2, "generated"), key("nobody.example", 3))
INVENTORY = Inventory(PurePath("/inventory"), SETTINGS, (), (ACME, GLOBEX), KEYS)


def test_the_frontend_learns_passwords_and_senders() -> None:
    bundle = compile_bundle(INVENTORY)
    assert bundle.frontend["passwd"].decode().splitlines() == [
        f"acme-app:{{ARGON2ID}}{HASH}::::::",
        f"acme-web:{{ARGON2ID}}{HASH}::::::",
        f"globex:{SHA512}::::::",
    ]
    assert bundle.frontend["senders"].decode().splitlines() == [
        "@acme.example acme-app,acme-web",
        "@globex.example globex",
        "@shop.acme.example acme-app,acme-web",
    ]


def test_names_below_a_domain_are_for_from_alone_and_never_for_the_envelope() -> None:
    one = customer("acme", ["acme.example"], ["acme-web"])
    bundles = [
        compile_bundle(replace(INVENTORY, customers=(one.model_copy(update={"subdomains": below}),)))
        for below in (False, True)
    ]
    assert {each.frontend["senders"] for each in bundles} == {b"@acme.example acme-web\n"}
    assert [b'"subdomains":true' in each.backend["domains"] for each in bundles] == [False, True]


def test_the_backend_learns_domains_and_the_keys_that_sign() -> None:
    bundle = compile_bundle(INVENTORY)
    lines = dict(line.split(" ", 1) for line in bundle.backend["domains"].decode().splitlines())
    assert json.loads(lines["acme.example"]) == {
        "logins": ["acme-app", "acme-web"],
        "keys": [{"selector": "e1", "key": KEYS[0].id, "algorithm": "ed25519"}],
        "one_click": "bulk",
    }
    assert json.loads(lines["globex.example"])["keys"] == []
    assert "nobody.example" not in lines
    assert bundle.keys == {KEYS[0].id}


def test_both_sides_carry_the_version() -> None:
    bundle = compile_bundle(INVENTORY)
    assert len(bundle.version) == 16
    assert bundle.frontend["version"] == bundle.backend["version"] == f"{bundle.version}\n".encode()


def test_a_customer_without_accounts_may_send_nothing() -> None:
    silent = customer("silent", ["silent.example"], [])
    bundle = compile_bundle(replace(INVENTORY, customers=(silent,)))
    assert bundle.frontend["senders"] == bundle.frontend["passwd"] == bundle.backend["domains"] == b""


def test_both_sides_learn_of_return_paths() -> None:
    tagged = [account.model_copy(update={"return_tag": "8f3a01c2"}) for account in ACME.accounts[:1]]
    acme = ACME.model_copy(update={"accounts": (*tagged, *ACME.accounts[1:])})
    bundle = compile_bundle(replace(INVENTORY, customers=(acme, GLOBEX)))
    assert bundle.frontend["returns"] == bundle.backend["returns"] == b"acme-web.8f3a01c2 acme-web\n"
    login, facts = bundle.backend["bounces"].decode().split(" ", 1)
    assert login == "acme-web"
    assert json.loads(facts) == {"customer": "acme", "tag": "8f3a01c2", "host": None}
    assert compile_bundle(INVENTORY).backend["bounces"] == b""


def test_a_plan_that_looks_at_no_suppression_list_is_told_to_the_bounce_service() -> None:
    tagged = ACME.accounts[0].model_copy(update={"return_tag": "8f3a01c2"})
    acme = ACME.model_copy(update={"accounts": (tagged,)})
    plans = {"base": SHIPPED["base"].model_copy(update={"suppression": Suppression.OFF})}
    bundle = compile_bundle(replace(INVENTORY, customers=(acme,), plans=plans))
    assert json.loads(bundle.backend["bounces"].split(b" ", 1)[1])["suppression"] == "off"


@pytest.mark.parametrize("tag", ["8F3A01C2", "8f3a01c", "8f3a01c2f", "8f3a01g2", "8f3a01c2\n", 12345678])
def test_what_is_no_return_tag(tag: object) -> None:
    with pytest.raises(ValueError, match="return_tag"):
        Account.model_validate({"login": "acme-web", "password_hash": HASH, "return_tag": tag})


NAME = st.from_regex(r"[a-z][a-z0-9]{2,8}", fullmatch=True)
NAMES = st.lists(NAME, unique=True, max_size=8)


@given(NAMES, st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(names: list[str], shuffler: random.Random) -> None:
    customers = [
        customer(name, [f"{name}.example", f"{name}.test"], [f"{name}-b", f"{name}-a"]) for name in names
    ]
    keys = [key(f"{name}.example", seed) for seed, name in enumerate(names)]
    straight = replace(INVENTORY, customers=tuple(customers), keys=tuple(keys))
    shuffler.shuffle(customers)
    shuffler.shuffle(keys)
    turned = [
        item.model_copy(update={"domains": item.domains[::-1], "accounts": item.accounts[::-1]})
        for item in customers
    ]
    assert compile_bundle(straight) == compile_bundle(
        replace(straight, customers=tuple(turned), keys=tuple(keys))
    )


@given(NAMES, NAMES)
def test_different_customers_have_different_versions(one: list[str], other: list[str]) -> None:
    def version(names: list[str]) -> str:
        customers = tuple(customer(name, [f"{name}.example"], [f"{name}-1"]) for name in names)
        return compile_bundle(replace(INVENTORY, customers=customers)).version

    assert (version(one) == version(other)) == (set(one) == set(other))


def test_signers_hold_keys_that_come_and_that_retire_without_using_them() -> None:
    states = ("generated", "distributed", "published", "verified", "active", "retiring", "revoked")
    keys = tuple(key("acme.example", n, state, f"e{n}") for n, state in enumerate(states))
    bundle = compile_bundle(replace(INVENTORY, keys=keys))
    facts = json.loads(bundle.backend["domains"].decode().splitlines()[0].split(" ", 1)[1])
    assert [each["selector"] for each in facts["keys"]] == ["e4"]
    held = {keys[n].id for n in (1, 2, 3, 5)}
    assert {each["key"] for each in facts["held"]} == held
    assert bundle.keys == held | {keys[4].id}
