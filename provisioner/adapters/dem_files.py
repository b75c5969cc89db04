"""A list server's part of an inventory directory: its host, its settings, its passwords."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from provisioner.adapters import vault
from provisioner.adapters.inventory_files import HOSTS, shown
from provisioner.adapters.lab import definition
from provisioner.adapters.yaml_files import edit, parse, plain, render, sync_directory, write_atomic
from provisioner.core.dem import GROUP, DemServer, secrets_file, settings_file
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Address

_PUBLIC_MODE = 0o644
_FIRST_IN_LAB = 71
"""Where in the lab's network list servers begin."""


class DemFiles:
    """Writes and removes list servers. Each file is replaced at once; a host comes last and goes first."""

    def __init__(self, inventory: Path) -> None:
        self._path = inventory

    @property
    def is_lab(self) -> bool:
        """Whether its machines are made here."""
        return (self._path / "lab.yml").is_file()

    def free_lab_address(self, taken: frozenset[Address]) -> IPv4Address:
        """An address of the lab's network that no host has. Raises UsageError when there is none left."""
        network = definition.read(self._path).network
        for offset in range(_FIRST_IN_LAB, network.num_addresses - 1):
            address = network.network_address + offset
            if address not in taken:
                return address
        raise UsageError(f"{network} has no address left for another list server")

    @contextmanager
    def unchanged_on_error(self, host: str, customer: str) -> Iterator[None]:
        """Put back every file that a list server is made of, should what is done meanwhile fail."""
        files = (HOSTS, settings_file(host), secrets_file(host), f"customers/{customer}.yml")
        before = {name: self._bytes(name) for name in files}
        try:
            yield
        except BaseException:
            for name, content in before.items():
                path = self._path / name
                if content is None:
                    path.unlink(missing_ok=True)
                elif content[0] != path.read_bytes():
                    write_atomic(path, content[0], mode=content[1])
            self._drop_folder(host)
            raise

    def write(self, server: DemServer, secrets: Mapping[str, str]) -> None:
        """Write a server's settings and passwords (variables without their prefix `dem_`)."""
        data = plain({f"dem_{name}_password": value for name, value in secrets.items()})
        text = render(data)
        write_atomic(self._path / secrets_file(server.host), self._vault.encrypt(text.encode()))
        self.write_settings(server)

    def write_settings(self, server: DemServer) -> None:
        """Write what differs of a server's public settings; comments and all else in the file is kept."""
        file = self._path / settings_file(server.host)
        wanted = plain(
            server.model_dump(mode="json", by_alias=True, exclude={"host"}, exclude_defaults=True)
            | {"dem_software": server.software.value, "dem_certificate": server.certificate.value}
        )
        if not file.exists():
            write_atomic(file, render(wanted), mode=_PUBLIC_MODE)
            return
        data = edit(file.read_text(encoding="utf-8"))
        for key in [key for key in data if key not in wanted]:
            del data[key]
        for key, value in wanted.items():
            if data.get(key) != value:
                data[key] = value
        write_atomic(file, render(data), mode=_PUBLIC_MODE)

    def passwords(self, host: str) -> dict[str, str]:
        """A server's passwords by what they are for, decrypted in memory."""
        file = self._path / secrets_file(host)
        data = parse(self._vault.decrypt(file.read_bytes(), shown(file)).decode())
        return {
            str(key).removeprefix("dem_").removesuffix("_password"): str(value)
            for key, value in (data.items() if isinstance(data, Mapping) else ())
        }

    def add_host(self, name: str, address: Address) -> None:
        """Enter a host into hosts.yml, in the group of list servers."""
        file = self._path / HOSTS
        data = edit(file.read_text(encoding="utf-8"))
        group = _group(data)
        if group is None:
            above = data.get("all")
            place = above.setdefault("children", CommentedMap()) if isinstance(above, dict) else data
            group = place[GROUP] = CommentedMap()
        if group.get("hosts") is None:
            group["hosts"] = CommentedMap()
        entry = CommentedMap(ansible_host=str(address))
        entry.fa.set_flow_style()
        group["hosts"][name] = entry
        write_atomic(file, render(data), mode=file.stat().st_mode & 0o777)

    def remove(self, host: str) -> None:
        """Take a host out of hosts.yml, then its settings and passwords away; what is gone already may be."""
        file = self._path / HOSTS
        data = edit(file.read_text(encoding="utf-8"))
        group = _group(data)
        if group is not None and host in (group.get("hosts") or {}):
            del group["hosts"][host]
            if not group["hosts"]:
                del group["hosts"]
                group.fa.set_flow_style()
            write_atomic(file, render(data), mode=file.stat().st_mode & 0o777)
        for name in (settings_file(host), secrets_file(host)):
            (self._path / name).unlink(missing_ok=True)
        self._drop_folder(host)
        for ending in ("crt", "key"):
            (self._path / "secrets" / "hosts" / f"{host}.{ending}").unlink(missing_ok=True)

    @property
    def _vault(self) -> vault.Vault:
        return vault.open_vault(self._path)

    def _bytes(self, name: str) -> tuple[bytes, int] | None:
        path = self._path / name
        return (path.read_bytes(), path.stat().st_mode & 0o777) if path.exists() else None

    def _drop_folder(self, host: str) -> None:
        folder = self._path / "host_vars" / host
        if folder.is_dir() and not any(folder.iterdir()):
            shutil.rmtree(folder)
            sync_directory(folder.parent)


def _group(data: Any) -> Any:
    """The group of list servers, wherever in the tree."""
    for name, body in data.items() if isinstance(data, dict) else ():
        if name == GROUP:
            return _filled(data, name) if body is None else body
        if isinstance(body, dict):
            found = _group(body.get("children"))
            if found is not None:
                return found
    return None


def _filled(data: Any, name: str) -> Any:
    data[name] = CommentedMap()
    return data[name]
