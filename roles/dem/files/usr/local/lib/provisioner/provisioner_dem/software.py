"""What every kind of list software has to be able to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provisioner_dem.campaigns import Campaign
from provisioner_dem.returns import Bounce


class DemError(Exception):
    """What the operator can be told, in a sentence."""


class NotBackError(DemError):
    """A change went wrong, and so did the way back from it."""


class RolledBackError(DemError):
    """A change went wrong, and all is as it was before."""


@dataclass(frozen=True)
class MailingList:
    """A list and how many are subscribed to it. discussion: they may write to it."""

    name: str
    subscribers: int
    discussion: bool = False


@dataclass(frozen=True)
class Subscriber:
    """An address on a list; bounces: how many the software counts at present."""

    email: str
    confirmed: bool
    bounces: int


@dataclass(frozen=True)
class Newsletter:
    """A campaign: to a list, as text, as HTML, or both."""

    list: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Change:
    """What an upgrade led from and to, and how many seconds the web site was away."""

    before: str
    after: str
    downtime: float


class Software(Protocol):
    """An adaptor. Methods raise DemError where the software refuses, OSError where it does not answer."""

    @property
    def services(self) -> Sequence[str]:
        """Systemd's units that have to stand still while data is put back: what wakes others before them."""

    @property
    def web(self) -> Sequence[str]:
        """Those of them that make the web site, and send nothing."""

    @property
    def folders(self) -> Sequence[Path]:
        """Where it keeps what is not in the database."""

    def version(self) -> str:
        """What is installed."""

    def lists(self) -> list[MailingList]:
        """Every list, by name."""

    def create_list(self, name: str, subject: str, language: str, *, discussion: bool = False) -> None:
        """Make a list to which people subscribe by themselves, with double opt-in; discussion: and write."""

    def subscribers(self, name: str) -> list[Subscriber]:
        """Who is on a list, by address."""

    def subscribe(self, name: str, emails: Sequence[str]) -> int:
        """Put addresses on a list without asking them; how many were not on it."""

    def unsubscribe(self, name: str, email: str) -> bool:
        """Take an address off, without a letter to it; whether it was there."""

    def send(self, newsletter: Newsletter) -> None:
        """Have a campaign sent."""

    def campaigns(self) -> list[Campaign]:
        """Those that are known of, the oldest first."""

    def waiting(self) -> int:
        """How many messages the software has not handed to Postfix yet."""

    def bounce(self, bounce: Bounce, message: bytes) -> str:
        """Count a bounce as the software does; in a word what was done."""

    def set_administrator(self, email: str, password: str) -> bool:
        """Give the administrator a password; whether anything changed."""

    def administrator(self) -> str:
        """What the database keeps in place of the administrator's password; empty when there is none."""

    def keep_administrator(self, kept: str) -> None:
        """Put into the database what another one kept."""

    def migrate(self, before: str) -> None:
        """Make a database of an older version one of the version that is installed."""

    def healthy(self) -> str:
        """Empty when the web site answers and the database is as it has to be; else what is wrong."""

    def upgrade(self, archive: str, sha256: str, still: Callable[[], None]) -> Change:
        """Install a newer version; or leave what is installed as it was, and raise DemError.

        still: called before anything changes; then no service runs. The caller starts them again, and puts
        the data back when it fails.
        """
