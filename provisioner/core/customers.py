"""A customer, its accounts and its plan, as a customer file says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from provisioner.core.names import Domain, Duration, Email, Login, Slug
from provisioner.core.plans import OneClick, Override, limit_problems

PROBE = ".probe-"
"""Between a customer's name and a number: the login of a probe, which is in no inventory."""

_B64, _CRYPT = "[A-Za-z0-9+/]", "[A-Za-z0-9./]"
_HASHES = {
    "ARGON2ID": re.compile(rf"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\${_B64}+\${_B64}+"),
    "BLF-CRYPT": re.compile(rf"\$2[aby]\$\d\d\${_CRYPT}{{53}}"),
    "SHA512-CRYPT": re.compile(rf"\$6\$(rounds=\d+\$)?{_CRYPT}{{1,16}}\${_CRYPT}{{86}}"),
    "CRYPT": re.compile(rf"\$y\${_CRYPT}+\${_CRYPT}{{1,86}}\${_CRYPT}{{43}}"),
}
"""Dovecot's schemes that withstand guessing, by the whole form of their hashes. CRYPT is yescrypt here."""


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError as error:
        raise ValueError(f"{error}; a network is written as 203.0.113.0/24 or 2001:db8::/32") from error


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


def _time_zone(value: str) -> str:
    if value == "localtime":
        raise ValueError(f"{value!r} is another time zone on each host; name one such as Europe/Rome")
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is not a time zone such as Europe/Rome") from error
    return value


TimeZone = Annotated[str, AfterValidator(_time_zone)]


def _scheme(value: str) -> str | None:
    """The scheme that a hash is of, whether it says so or not; None when it is none of ours."""
    for scheme, form in _HASHES.items():
        if form.fullmatch(value.removeprefix(f"{{{scheme}}}")):
            return scheme
    return None


def _password_hash(value: str) -> str:
    # None of these can be plain text by mistake, or holds a colon, which separates fields in the passwd-file.
    if _scheme(value) is None:
        raise ValueError(
            "is not a password hash of Argon2id ($argon2id$…), bcrypt, yescrypt or SHA-512 ($6$…)"
        )
    return value


class Account(BaseModel):
    """One login of a customer. The hash may carry Dovecot's scheme prefix.

    domains: those of the customer's that it may send in; empty is all. networks: where it may send from;
    empty is anywhere. plan: its own, by which it is counted by itself; None is the customer's. return_tag: it
    has return paths in the fleet's bounce domain, `<login>.<list>.<tag>`, which nobody can make up who does
    not know the tag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    login: Login
    password_hash: Annotated[str, Field(strict=True), AfterValidator(_password_hash)] = Field(repr=False)
    domains: tuple[Domain, ...] = ()
    networks: tuple[Network, ...] = ()
    plan: Slug | None = None
    return_tag: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{8}$")] | None = None

    @property
    def dovecot_hash(self) -> str:
        """The hash with its scheme, as Dovecot's passwd-file wants it."""
        prefix = f"{{{_scheme(self.password_hash)}}}"
        return prefix + self.password_hash.removeprefix(prefix)


class Suspension(BaseModel):
    """Why a customer may not send, in words that its senders get to read, and since when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")]
    since: datetime


class DeadReturnPath(BaseModel):
    """What the server of a return path answered when it was asked whether it takes mail, and since when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")]
    since: datetime


class DkimRecords(StrEnum):
    """How a customer publishes its keys: CNAMEs once and for all, or each key's TXT itself."""

    CNAME = "cname"
    TXT = "txt"


class Customer(BaseModel):
    """One customer file. `name` is the file's stem and not written into it.

    domains: what its accounts may use in MAIL FROM and From:, and sign as; canonical A-labels.
    plan: a plan's name; overrides: exceptions from its limits by name. time_zone: of its days and hours; None
    is the fleet's. language: of what it gets to read. one_click: which of its mail needs RFC 8058, dkim_age:
    after which its keys are replaced; None is the plan's word. dkim_records: how it publishes its keys.
    subdomains: whether its accounts may also write From: names below its domains, signed as these.
    dead_return_paths: envelope senders that take no mail, so its mail to many is refused. former_logins:
    those of accounts that were removed; what they sent stays counted as the customer's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Slug
    contact: Email
    plan: Slug = "base"
    domains: tuple[Domain, ...] = Field(min_length=1)
    accounts: tuple[Account, ...] = ()
    time_zone: TimeZone | None = None
    language: Literal["en", "it"] = "en"
    one_click: OneClick | None = None
    dkim_age: Duration | None = None
    dkim_records: DkimRecords = DkimRecords.CNAME
    subdomains: bool = Field(default=False, strict=True)
    overrides: Mapping[str, Override] = Field(default_factory=dict)
    suspended: Suspension | None = None
    dead_return_paths: Mapping[Email, DeadReturnPath] = Field(default_factory=dict)
    former_logins: tuple[Login, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Customer:
        if wrong := [each for name, o in self.overrides.items() for each in limit_problems(name, o.value)]:
            raise ValueError(f"overrides: {'; '.join(wrong)}")
        for account in self.accounts:
            strange = sorted(set(account.domains) - set(self.domains))
            if strange:
                raise ValueError(
                    f"account {account.login!r}: {strange[0]!r} is none of the customer's domains"
                )
        return self

    @property
    def logins(self) -> tuple[str, ...]:
        """The customer's logins, sorted."""
        return tuple(sorted(account.login for account in self.accounts))

    @property
    def plans(self) -> tuple[str, ...]:
        """The names of its plan and of its accounts' own."""
        return (self.plan, *(account.plan for account in self.accounts if account.plan))

    def logins_for(self, domain: str) -> tuple[str, ...]:
        """The logins that may send in one of its domains, sorted."""
        return tuple(
            sorted(
                account.login for account in self.accounts if not account.domains or domain in account.domains
            )
        )

    def account(self, login: str) -> Account | None:
        """The account of that login."""
        return next((account for account in self.accounts if account.login == login), None)

    def counter(self, account: Account) -> str:
        """Under which name an account's mail is counted: the customer's, or its own when it has a plan."""
        return f"{self.name}/{account.login}" if account.plan else self.name

    def expired(self, today: date) -> tuple[str, ...]:
        """The names of the overrides that hold no more."""
        return tuple(sorted(name for name, override in self.overrides.items() if not override.holds(today)))


def today_in(time_zone: str, now: datetime | None = None) -> date:
    """The date in a time zone. now: with its own time zone; else the present."""
    return (now or datetime.now(UTC)).astimezone(ZoneInfo(time_zone)).date()
