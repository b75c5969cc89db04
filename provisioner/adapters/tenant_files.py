"""Customer files and key files: written whole, comments kept, keys decrypted only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from provisioner.adapters import inventory_files, vault, yaml_lines
from provisioner.adapters.inventory_files import shown
from provisioner.adapters.yaml_files import (
    edit,
    parse,
    plain,
    render,
    sync_directory,
    write_atomic,
)
from provisioner.core.customers import Customer
from provisioner.core.dkim import DkimKey
from provisioner.core.documents import Encrypted
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Inventory


class TenantFiles:
    """The tenants' part of an inventory directory."""

    def __init__(self, inventory: Path) -> None:
        self._path = inventory
        self._decrypted: dict[str, bytes] = {}

    @cached_property
    def _vault(self) -> vault.Vault:
        return vault.open_vault(self._path)

    def load(self, keys: tuple[DkimKey, ...] | None = None) -> Inventory:
        """The whole inventory, with these keys instead of those in its files. Raises InventoryError."""
        if keys is None:
            return inventory_files.load(self._path)
        return replace(inventory_files.load(self._path, keys=False), keys=keys)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from changing the inventory meanwhile; first undo an import that was killed."""
        with inventory_files.locked(self._path):
            self._undo_import()
            yield

    @contextmanager
    def keys_locked(self) -> Iterator[None]:
        """Keep other commands from changing keys meanwhile; those that change customers go on."""
        folder = self._path / "keys"
        folder.mkdir(exist_ok=True)
        with inventory_files.locked(folder):
            yield

    def add_customer(self, customer: Customer) -> str:
        """Write a new customer file; its name for people. Raises UsageError when there is one already."""
        file = self._customer_file(customer.name)
        self._check_is_new(file)
        write_atomic(file, render(_customer_data(customer)))
        return shown(file)

    def _check_is_new(self, file: Path) -> None:
        if file.exists():
            raise UsageError(f"{shown(file)} exists already")

    def add_customers(self, customers: Sequence[Customer]) -> None:
        """Write many new customer files, all or none: what is left of one killed, the next lock undoes."""
        for customer in customers:
            self._check_is_new(self._customer_file(customer.name))
        write_atomic(self._under_way, "".join(f"{customer.name}\n" for customer in customers))
        try:
            for customer in customers:
                self.add_customer(customer)
        except BaseException:
            self._undo_import()
            raise
        self._under_way.unlink()
        sync_directory(self._path)

    def _undo_import(self) -> None:
        if not self._under_way.exists():
            return
        for name in self._under_way.read_text(encoding="utf-8").split():
            self._customer_file(name).unlink(missing_ok=True)
        sync_directory(self._path / "customers")
        self._under_way.unlink()

    @property
    def _under_way(self) -> Path:
        """Which customers are being added: they are none until it is gone."""
        return self._path / ".importing"

    def update_customer(self, before: Customer, after: Customer) -> str:
        """Write what differs into a customer's file, comments and all else kept; its name for people."""
        file = self._customer_file(before.name)
        data = edit(file.read_text(encoding="utf-8"))
        old, new = _customer_data(before), _customer_data(after)
        for key in [*old, *new]:
            if key not in new:
                data.pop(key, None)
            elif old.get(key) != new[key]:
                data[key] = new[key]
        write_atomic(file, render(data))
        return shown(file)

    def remove_customer(self, customer: Customer) -> tuple[str, ...]:
        """Remove a customer's file; its name. Its domains' keys stay, for as long as they retire."""
        file = self._customer_file(customer.name)
        file.unlink()
        sync_directory(file.parent)
        return (shown(file),)

    def files_of(self, customer: Customer) -> tuple[str, ...]:
        """What `remove_customer` would remove."""
        return (shown(self._customer_file(customer.name)),)

    def add_keys(self, domain: str, pairs: Sequence[tuple[DkimKey, bytes]]) -> str:
        """Append keys with their private halves (PEM, encrypted here) to a domain's key file; its name."""
        file = self._keys_file(domain)
        entries: list[dict[str, yaml_lines.Value]] = []
        for key, private in pairs:
            facts = {
                "selector": key.selector,
                "algorithm": key.algorithm.value,
                "slot": key.slot,
                "created": key.created.isoformat(),
                **{name: value for name, value in _key_data(key).items() if value is not None},
                "public": key.public,
                "private": Encrypted(self._vault.encrypt(private)),
            }
            entries.append(facts)
            # Hosts will want it within this run: to decrypt it again would take longer than to make it.
            self._decrypted[key.id] = private
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        write_atomic(file, yaml_lines.append(text, entries) if text else yaml_lines.new_list(entries))
        return shown(file)

    def update_keys(self, keys: Sequence[DkimKey]) -> None:
        """Write what differs of keys of one domain; everything else in its file stays as it is."""
        file, wanted = self._keys_file(keys[0].domain), {key.selector: _key_data(key) for key in keys}
        with _said_of(file):
            write_atomic(file, yaml_lines.change(file.read_text(encoding="utf-8"), wanted, "selector"))

    def remove_keys(self, domain: str, selectors: Collection[str]) -> None:
        """Destroy keys of a domain, with their private halves; their file, when no other is left in it."""
        file = self._keys_file(domain)
        with _said_of(file):
            left = yaml_lines.remove(file.read_text(encoding="utf-8"), selectors, "selector")
            if parse(left):
                write_atomic(file, left)
                return
        file.unlink()
        sync_directory(file.parent)

    def key_loader(self, inventory: Inventory) -> Callable[[str], bytes]:
        """What finds and decrypts private keys of an inventory by id; each once, from any thread."""
        places = {key.id: (key.domain, key.selector) for key in inventory.keys}
        lock = Lock()

        def load(key_id: str) -> bytes:
            with lock:
                if key_id not in self._decrypted:
                    self._decrypted[key_id] = self._private(*places[key_id])
                return self._decrypted[key_id]

        return load

    def _private(self, domain: str, selector: str) -> bytes:
        file = self._keys_file(domain)
        entries = parse(file.read_text(encoding="utf-8"))
        for entry in entries if isinstance(entries, list) else ():
            if entry["selector"] == selector and isinstance(entry["private"], Encrypted):
                return self._vault.decrypt(entry["private"].text, f"the key {selector} in {shown(file)}")
        raise UsageError(f"{shown(file)} has no key {selector} any more", hint="Run the command again")

    def _customer_file(self, name: str) -> Path:
        return self._path / "customers" / f"{name}.yml"

    def _keys_file(self, domain: str) -> Path:
        return self._path / "keys" / f"{domain}.yml"


@contextmanager
def _said_of(file: Path) -> Iterator[None]:
    """Say which file it is that can't be changed."""
    try:
        yield
    except ValueError as error:
        raise UsageError(f"{shown(file)}: {error}", hint="Write it as 'provisioner dkim' does") from error


def _key_data(key: DkimKey) -> dict[str, str | bool | None]:
    """What of a key changes during its life, as its file says it; None: it is left out."""
    return {
        "state": key.state.value,
        "since": key.since.isoformat() if key.since else None,
        "agreed": key.agreed.isoformat() if key.agreed else None,
        "proven": key.proven.isoformat() if key.proven else None,
        "signed": key.signed.isoformat() if key.signed else None,
        "leaked": True if key.leaked else None,
    }


def _customer_data(customer: Customer) -> dict[str, object]:
    """What stands in the file: only what is not as it would be without it, in the model's order."""
    data = customer.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    ordered: dict[str, object] = plain({"contact": data.pop("contact"), "plan": customer.plan, **data})
    return ordered
