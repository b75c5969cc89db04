"""Commands run in the test's own process, over a DNS and hosts in memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from provisioner.cli import wiring
from provisioner.cli.app import main
from provisioner.core.usage import Ban
from tests.fakes import FakePush, FakeResolver


class Outcome:
    """What a command printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> object:
        return json.loads(self.out)


class Run:
    """Runs commands in this process on one inventory."""

    def __init__(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.root, self._monkeypatch, self._capsys = root, monkeypatch, capsys
        self.push = FakePush()
        self.bans: tuple[Ban, ...] = ()
        self.dns = FakeResolver()
        monkeypatch.setattr("provisioner.adapters.tenants.push", self.push)
        monkeypatch.setattr("provisioner.adapters.signers.read", self.push.signers)
        monkeypatch.setattr("provisioner.adapters.counters.bans", lambda hosts, logins: self.bans)
        monkeypatch.setattr(wiring, "resolver", lambda settings: self.dns)
        monkeypatch.setattr(wiring, "answers", lambda server: True)
        monkeypatch.setattr(wiring, "asker", lambda inventory, server=None: self.dns)

    def __call__(self, *arguments: str) -> Outcome:
        self._monkeypatch.setattr(sys, "argv", ["provisioner", "-i", str(self.root), *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = self._capsys.readouterr()
        code = left.value.code
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)
