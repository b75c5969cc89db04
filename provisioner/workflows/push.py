"""Bring the tenant bundle to every host that needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from provisioner.core.bundle import Bundle, compile_bundle
from provisioner.core.errors import HostsFailed
from provisioner.core.fleet import Host, Inventory
from provisioner.core.tenants import HostResult

KeyLoader = Callable[[str], bytes]
"""From a key's id to its private half, PKCS#8 PEM. Decrypts when asked, so ask only for what a host lacks."""


Compiled = Callable[[], Bundle]
"""Gives the bundle, waiting for it where it is still being compiled."""


class TenantPush(Protocol):
    """Pushes a bundle to hosts in parallel. Never raises for one host: its result says what happened."""

    def __call__(self, compiled: Compiled, hosts: Sequence[Host], load_key: KeyLoader, /) -> list[HostResult]:
        """Push, verify and switch on each host; one result a host, in the order of `hosts`.

        Frontends take the bundle's `frontend`, backends its `backend` and those of its `keys` they lack.
        """


@dataclass(frozen=True)
class PushReport:
    """A bundle's version and how each host took it."""

    version: str
    results: tuple[HostResult, ...]

    @property
    def whole(self) -> bool:
        """Whether every host has it."""
        return all(result.ok for result in self.results)

    def require_all(self) -> None:
        """Raise HostsFailed when a host does not have the bundle."""
        failed = [result for result in self.results if not result.ok]
        if failed:
            told = "; ".join(f"{result.host}: {result.message}" for result in failed)
            raise HostsFailed(
                f"{len(failed)} of {len(self.results)} hosts did not take the tenant bundle: {told}",
                hint="The inventory is right and the other hosts have it; "
                "'provisioner customer push' brings it to the rest",
            )


def push_tenants(
    inventory: Inventory, keys: KeyLoader, push: TenantPush, hosts: Sequence[Host] | None = None
) -> PushReport:
    """Compile the inventory's bundle and push it to all frontends and backends, or to those named."""
    with ThreadPoolExecutor(1) as aside:  # hosts are called meanwhile
        compiled = aside.submit(compile_bundle, inventory)
        results = push(compiled.result, inventory.tenant_hosts if hosts is None else hosts, keys)
        return PushReport(compiled.result().version, tuple(results))
