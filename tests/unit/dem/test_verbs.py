"""What the host answers, and what it keeps from being lost."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from provisioner_dem import __main__ as tool
from provisioner_dem import locks, outbox
from provisioner_dem.oneclick import Handler

from tests.unit.dem.keeper import Host, host

__all__ = ["host"]

PATH = "acme-dem.news.8f3a01c2+anna=gmail.test@bounce.operator.example"


class Input(io.TextIOWrapper):
    """Standard input."""

    def __init__(self, text: str) -> None:
        super().__init__(io.BytesIO(text.encode()))


@pytest.fixture
def ask(host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    settings = SimpleNamespace(
        **vars(host.keeper.settings), customer="acme", domain="acme.example", language="en",
        account="acme-dem", tag="8f3a01c2", bounce_domain="bounce.operator.example", discussions=False,
        certificate=Path("none"),
    )  # fmt: skip
    monkeypatch.setattr("provisioner_dem.settings.load", lambda: settings)
    monkeypatch.setattr(tool, "adaptor", lambda _: host.software)
    monkeypatch.setattr(tool, "STATE", host.state)
    monkeypatch.setattr(outbox, "RESUMED", host.state / "resumed")

    def asked(*words: str, told: object = None) -> tuple[int, Any]:
        monkeypatch.setattr("sys.stdin", Input(json.dumps(told) if not isinstance(told, str) else told))
        code = tool.main(list(words))
        said = capsys.readouterr().out
        return code, json.loads(said) if said.startswith(("{", "[")) else said

    return asked


def test_only_what_was_rolled_back_says_so(ask: Any, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.software.breaks = "the migration broke"
    assert ask("upgrade", told={}) == (1, {"error": "the migration broke", "rolled_back": True})
    host.software.breaks = "download"
    assert ask("upgrade", told={}) == (1, {"error": "no space left"})
    host.software.breaks = "the migration broke"
    monkeypatch.setenv("LOAD", "1")
    code, said = ask("upgrade", told={})
    assert (code, list(said)) == (1, ["error"])


def test_status_tells_of_what_was_cut_off_or_failed(
    ask: Any, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("backup-daily")[0] == 0
    code, said = ask("status")
    assert (code, said["wrong"], said["backup_hours"]) == (0, "", 0)
    monkeypatch.setenv("DUMP", "1")
    assert ask("backup-daily")[0] == 1
    host.software.wrong = "the web site answers 502"
    wrong = ask("status")[1]["wrong"]
    assert wrong.startswith("the web site answers 502; the daily backup of ")

    def lost() -> list[Any]:
        raise OSError("the database does not answer")

    (host.state / "unfinished-restore").write_text("the restore did not end")
    monkeypatch.setattr(host.software, "lists", lost)
    said = ask("status")[1]["error"]
    assert said.startswith("the database does not answer; the daily backup")
    assert said.endswith("the restore did not end")


def test_while_data_is_replaced_bounces_wait_and_nobody_changes_it(ask: Any, host: Host) -> None:
    done: list[str] = []

    def noted(email: str) -> bool:
        done.append(email)
        return True

    lists: Any = host.software
    lists.bounce = lambda bounce, message: noted(bounce.recipient)
    lists.unsubscribe = lambda name, email: noted(email)
    message = "X-Provisioner-Bounce: kind=hard; status=5.1.1\n\n"
    leaves = {"list": "news", "email": "bob@gmail.test"}
    with locks.replacing():
        assert ask("bounced", PATH, told=message)[0] == tool.TRY_AGAIN
        assert "try again later" in ask("unsubscribe", told=leaves)[1]["error"]
        assert ask("lists")[0] == 0
    assert done == []
    assert ask("bounced", PATH, told=message)[0] == 0
    assert ask("unsubscribe", told=leaves) == (0, {"removed": True})
    assert done == ["anna@gmail.test", "bob@gmail.test"]


def test_one_click_says_later_while_data_is_replaced(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[tuple[str, str]] = []
    handler: Any = Handler.__new__(Handler)
    handler.path = "/oneclick/news/1-aaaaaaaaaaaaaaaaaaaaaa"
    handler.software = SimpleNamespace(
        store=SimpleNamespace(rows=None), settings=SimpleNamespace(domain="acme.example"),
        sign_off=lambda *found: left.append(found),
    )  # fmt: skip
    monkeypatch.setattr("provisioner_dem.oneclick.reader", lambda *_: ("news", "anna@gmail.test"))
    with locks.replacing():
        assert handler._answer(b"List-Unsubscribe=One-Click") == 503
    assert left == []
    assert handler._answer(b"List-Unsubscribe=One-Click") == 303
    assert left == [("news", "anna@gmail.test")]
