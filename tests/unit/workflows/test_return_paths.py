from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.reconciliation import LoginMail
from provisioner.workflows.push import TenantPush
from provisioner.workflows.return_paths import ReturnPath, State, check
from tests import samples
from tests.fakes import FakePush

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEDGER = {
    "acme-web": LoginMail({}, {"News@acme.example": 3, "other@elsewhere.example": 1, "": 1}),
    "nobody": LoginMail({}, {"x@acme.example": 1}),
}


@pytest.fixture
def store(tmp_path: Path) -> TenantFiles:
    return TenantFiles(samples.write(tmp_path))


def run(store: TenantFiles, code: int, push: TenantPush | None) -> list[ReturnPath]:
    said = (code, "5.1.1 no such \N{WHITE SMILING FACE} mailbox")
    found, _ = check(store, ["acme"], lambda: LEDGER, lambda paths: dict.fromkeys(paths, said), NOW, push)
    return found


def dead(push: FakePush) -> object:
    lines = push.bundles[-1].backend["domains"].decode().splitlines()
    facts = json.loads(next(line for line in lines if line.startswith("acme.example ")).split(" ", 1)[1])
    return facts.get("dead_return_paths")


def test_a_dead_return_path_is_kept_until_it_is_alive(store: TenantFiles, tmp_path: Path) -> None:
    push, file = FakePush(), tmp_path / "customers/acme.yml"
    before = file.read_text()
    assert [(each.address, each.state) for each in run(store, 550, push)] == [
        ("news@acme.example", State.DEAD)
    ]
    assert dead(push) == {"news@acme.example": "5.1.1 no such ? mailbox"}
    kept = file.read_text()
    assert run(store, 450, push)[0].state is State.UNKNOWN
    assert run(store, 550, push)[0].state is State.DEAD
    assert (file.read_text(), len(push.bundles)) == (kept, 1)
    assert run(store, 250, push)[0].state is State.ALIVE
    assert dead(push) is None
    assert file.read_text() == before


def test_looking_changes_nothing(store: TenantFiles, tmp_path: Path) -> None:
    before = (tmp_path / "customers/acme.yml").read_text()
    assert run(store, 550, None)[0].state is State.DEAD
    assert (tmp_path / "customers/acme.yml").read_text() == before


def test_what_was_dead_is_asked_again_without_new_mail(store: TenantFiles) -> None:
    push = FakePush()
    run(store, 550, push)
    found, _ = check(store, ["acme"], dict, lambda paths: dict.fromkeys(paths, (250, "ok")), NOW, push)
    assert [each.address for each in found] == ["news@acme.example"]
    assert dead(push) is None


def test_return_paths_that_differ_for_each_recipient_are_one(store: TenantFiles) -> None:
    senders = {"News+anna=gmail.test@acme.example": 1, "news+bob=b.example@acme.example": 1}
    senders |= {"news+shop@acme.example": 1, "news@acme.example": 1}
    asked: list[str] = []

    def ask(code: int) -> Callable[[Sequence[str]], Mapping[str, tuple[int, str]]]:
        def answer(paths: Sequence[str]) -> Mapping[str, tuple[int, str]]:
            asked.extend(paths)
            return {path: (code if "=" in path else 250, "no") for path in paths}

        return answer

    push = FakePush()
    found, _ = check(store, ["acme"], lambda: {"acme-web": LoginMail({}, senders)}, ask(550), NOW, push)
    assert [(each.address, each.state is State.DEAD) for each in found] == [
        ("news+@acme.example", True),
        ("news+shop@acme.example", False),
        ("news@acme.example", False),
    ]
    assert len([path for path in asked if "=" in path]) == 1
    assert dead(push) == {"news+@acme.example": "no"}
    asked.clear()
    check(store, ["acme"], dict, ask(250), NOW, push)
    assert asked == ["news+nobody=example.invalid@acme.example"]
    assert dead(push) is None
