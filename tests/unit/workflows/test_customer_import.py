from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.customers import Customer
from provisioner.core.errors import InventoryError, UsageError
from provisioner.workflows.customer_import import NewPassword, import_customers
from tests import samples
from tests.fakes import FakePasswords, FakePush

GOOD = f"""\
name,contact,domains,plan,login,password_hash,time_zone
initech,it@initech.example,initech.example www.initech.example,plus,,,Europe/Rome
hooli,it@hooli.example,hooli.example,,hooli-app,"{samples.HASH}",
"""
BAD = """\
name,contact,domains,plan
initech,nobody,initech.example acme.example,silver
hooli,it@hooli.example,acme.example,gold
Hooli,it@hooli.example,hooli,base
umbrella,a@umbrella.example,umbrella.example,base
umbrella2,a@umbrella.example,umbrella.example,base
umbrella,a@umbrella.example,other.example globex.example,gold
late,it@late.example,initech.example,base
"""


def run(root: Path, text: str, push: FakePush | None = None) -> list[NewPassword]:
    made: list[NewPassword] = []
    import_customers(
        TenantFiles(root), FakePasswords(), text, "new.csv", made.extend, push, lambda _stage, _done: None
    )
    return made


def test_all_are_added_and_pushed_once(tmp_path: Path) -> None:
    push = FakePush()
    made = run(samples.write(tmp_path), GOOD, push)
    assert made == [NewPassword("initech", "initech", "the-password")]
    assert len(push.bundles) == 1
    inventory = TenantFiles(tmp_path).load()
    hooli, initech = inventory.customer("hooli"), inventory.customer("initech")
    assert hooli is not None
    assert initech is not None
    assert (hooli.plan, hooli.logins, hooli.accounts[0].password_hash) == (
        "base",
        ("hooli-app",),
        samples.HASH,
    )
    assert (initech.plan, initech.time_zone) == ("plus", "Europe/Rome")
    assert initech.domains == ("initech.example", "www.initech.example")
    assert initech.accounts[0].password_hash.startswith("$argon2id$")


def test_every_fault_with_its_line_and_nothing_changed(tmp_path: Path) -> None:
    root = samples.write(tmp_path)
    before = sorted(path.name for path in (root / "customers").iterdir())
    with pytest.raises(InventoryError) as caught:
        run(root, BAD)
    told = [str(fault) for fault in caught.value.faults]
    lines = Counter(line.split(": ", 1)[0].removeprefix("new.csv:") for line in told)
    assert lines == {"2": 3, "3": 2, "4": 3, "6": 1, "7": 3, "8": 1}
    whole = "\n".join(told)
    assert "'nobody' is not an e-mail address" in whole
    assert "domain 'acme.example' is claimed by customers/acme.yml already" in whole
    assert "there is no plan 'gold'" in whole
    assert "domain 'umbrella.example' is claimed by line 5 already" in whole
    assert "customer 'umbrella' exists already, in line 5" in whole
    # What is wrong with a line otherwise hides nothing: neither its own conflicts nor those with it.
    assert "new.csv:2: there is no plan 'silver'" in whole
    assert "new.csv:2: domain 'acme.example' is claimed by customers/acme.yml already" in whole
    assert "new.csv:7: domain 'globex.example' is claimed by customers/globex.yml already" in whole
    assert "new.csv:7: there is no plan 'gold'" in whole
    assert "new.csv:8: domain 'initech.example' is claimed by line 2 already" in whole
    assert sorted(path.name for path in (root / "customers").iterdir()) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "column 'name' is missing"),
        ("name,contact,domains,colour\n", "unknown column 'colour'"),
        ("name,contact,domains\n", "has no customer in it"),
        ("name,contact,domains\na,a@b.example,b.example,x\n", "more cells than the header"),
        ("name,contact,domains\na\n", "'contact' is missing"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InventoryError) as caught:
        run(samples.write(tmp_path), text)
    assert any(told in str(fault) for fault in caught.value.faults)


def test_passwords_that_cannot_be_kept_stop_it(tmp_path: Path) -> None:
    root = samples.write(tmp_path)

    def full(_: Sequence[NewPassword]) -> None:
        raise UsageError("the disk is full")

    with pytest.raises(UsageError, match="full"):
        import_customers(
            TenantFiles(root), FakePasswords(), GOOD, "x", full, None, lambda _stage, _done: None
        )
    assert TenantFiles(root).load().customer("hooli") is None


def test_a_file_that_cannot_be_written_takes_the_others_back(tmp_path: Path) -> None:
    root = samples.write(tmp_path)
    store = TenantFiles(root)
    acme = store.load().customers[0]
    new = acme.model_copy(update={"name": "new"})
    with pytest.raises(UsageError, match="exists already"):
        store.add_customers([new, acme])
    assert not (root / "customers/new.yml").exists()


def test_an_import_that_is_killed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = samples.write(tmp_path)
    before, write = samples.snapshot(root), TenantFiles.add_customer

    def die_at_hooli(store: TenantFiles, customer: Customer) -> str:
        if customer.name == "hooli":
            os._exit(9)  # no handler of anything runs
        return write(store, customer)

    monkeypatch.setattr(TenantFiles, "add_customer", die_at_hooli)
    child = os.fork()
    if child == 0:
        run(root, GOOD)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (root / "customers/initech.yml").exists()
    monkeypatch.undo()
    run(root, GOOD)
    assert {each.name for each in TenantFiles(root).load().customers} == {
        "acme",
        "globex",
        "hooli",
        "initech",
    }
    for name in ("hooli", "initech"):
        (root / f"customers/{name}.yml").unlink()
    assert samples.snapshot(root) == before
