"""A run that ends at any moment: at each question to hosts and DNS, at each change, before and after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.key_slots import Wish
from provisioner.workflows import rotation
from provisioner.workflows.rotation import Request, Tools
from tests.unit.workflows.keys_world import DOMAIN, TTL, World, go_on, run, states

TOOLS = ("make", "push", "signers", "audit", "probe")
DNS = ("publish", "withdraw")
NOTES = ("update_keys", "remove_keys")
TIMES = 3
"""Runs that are ended at one kind of call."""


class Killer:
    """Ends a run at its first call of one kind: before that has an effect, or after."""

    def __init__(self, kind: str, *, after: bool) -> None:
        self.kind, self.after, self.killed = kind, after, False

    def watch(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any) -> Any:
            if kind == self.kind and not self.after:
                self._kill()
            result = call(*arguments)
            if kind == self.kind:
                self._kill()
            return result

        return watched

    def _kill(self) -> None:
        self.killed = True
        raise KeyboardInterrupt

    def over(self, tools: Tools) -> Tools:
        watched: dict[str, Any] = {name: self.watch(name, getattr(tools, name)) for name in TOOLS}
        return replace(tools, **watched)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", [*TOOLS, *DNS, *NOTES])
def test_wherever_it_ends_the_next_completes_it(
    store: TenantFiles, kind: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    go_on(store, world, 0)
    killed = 0
    for number in range(40):
        killer = Killer(kind, after=after)
        with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
            for name in DNS:
                patched.setattr(world, name, killer.watch(name, getattr(world, name)))
            for name in NOTES:
                patched.setattr(store, name, killer.watch(name, getattr(store, name)))
            wish = Wish.NOTHING if number % 5 else Wish.ROTATE
            rotation.run(store, Request([DOMAIN], wish, "because"), killer.over(world.tools))
        killed += killer.killed
        for selector in world.signing():
            assert world.dns.lookup(f"{selector}._domainkey.{DOMAIN}", "TXT").values
        if killed == TIMES:
            break
        world.now += 60 * TTL
    assert killed == TIMES
    for _ in range(10):
        run(store, world)
        world.now += 60 * TTL
    assert list(states(store).values()) == ["active"]
    assert world.signing() == {f"{letter}{slot}" for slot in states(store) for letter in "se"}
