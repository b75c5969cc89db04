"""What a check of a list server needs from the outside, as protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from provisioner.core.checks.one_click import LinkAnswer
from provisioner.core.suppression import Reason
from provisioner.core.world import Behaviour


class Talk(Protocol):
    """The host's own tool."""

    def ask(self, verb: str, *arguments: str, question: object = None) -> Any:
        """What it answers."""


class Shown(Protocol):
    """A page that a browser shows."""

    @property
    def url(self) -> str:
        """Where it ended up."""

    @property
    def status(self) -> int:
        """0: no answer."""

    @property
    def text(self) -> str:
        """The page, or why there is none."""


class Web(Protocol):
    """The web site."""

    def is_ours(self, url: str) -> bool:
        """Whether a link leads to it."""

    def ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> LinkAnswer:
        """One request without cookies or redirects."""

    def browse(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Shown:
        """What a person gets to see."""


class Stored(Protocol):
    """A message as it was stored where it arrived."""

    @property
    def recipient(self) -> str:
        """For whom."""

    @property
    def raw(self) -> bytes:
        """Its bytes."""


class World(Protocol):
    """The receiving side."""

    def received(self, since: float) -> Sequence[Stored]:
        """What has arrived since."""

    def behave(self, address: str, behaviour: Behaviour) -> None:
        """Treat an address like this from now on."""

    def behave_normally(self, *addresses: str) -> None:
        """Forget that."""

    def reply(self, to: str, raw: bytes) -> None:
        """Hand a report to the fleet, without a return path."""

    def offer(self, to: str, raw: bytes) -> str:
        """The same with any message; empty when the fleet takes it, else what it says."""


class Suppressed(Protocol):
    """The customer's suppression list."""

    def entries(self) -> Mapping[str, Reason]:
        """Who is on it, and why."""

    def remove(self, addresses: Sequence[str]) -> None:
        """Take addresses off it."""
