"""A customer's own list server ("Mail DEM"): one host with list software, which sends through the fleet."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from provisioner.core.names import Domain, Email, Login, Slug

GROUP = "dem"
"""The group in hosts.yml."""

PLAN = "dem"
"""The plan of the account that a list server sends with."""

ARCHIVE_SCHEME = "https://"

ListName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Percent = Annotated[float, Field(gt=0, le=100)]


class Software(StrEnum):
    """The list software: Sympa from Debian's packages, phpList from an archive."""

    SYMPA = "sympa"
    PHPLIST = "phplist"


class Certificate(StrEnum):
    """Who vouches for the web site: the fleet's own authority, an ACME server, or files that are given."""

    FLEET = "fleet"
    ACME = "acme"
    GIVEN = "given"


class Kind(StrEnum):
    """Who writes to a list: its editors, or all who are on it."""

    NEWSLETTER = "newsletter"
    DISCUSSION = "discussion"


class MailingList(BaseModel):
    """A list that is made where it is missing. language: of its letters; None is the server's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ListName
    subject: Line
    language: Literal["en", "it"] | None = None
    kind: Kind = Kind.NEWSLETTER


class DemServer(BaseModel):
    """`host_vars/<host>/dem.yml`: each key has the prefix `dem_` there, and `host` is the folder's name.

    site: its web name, in or below a domain of the customer. domain: what newsletters are written From:, one
    of the customer's. account: its login at the fleet. return_tag: in its return paths. archive: phpList's,
    a path on the operator's machine or an https URL. language: of its pages; None is the role's.
    title: the name of who writes; from_: the address of newsletters' From:, in `domain`; None leaves both and
    the lists to the role. discussions: its lists may be such that their members write to, for which `domain`
    gets its mail through the fleet. bounce_rate, complaint_rate: per cent of a campaign's recipients above
    which it is paused.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: f"dem_{name}", populate_by_name=True
    )

    host: Slug
    customer: Slug
    site: Domain
    domain: Domain
    software: Software = Software.SYMPA
    admin: Email
    account: Login
    return_tag: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    archive: Annotated[str, Field(min_length=1)] | None = None
    archive_sha256: Sha256 | None = None
    certificate: Certificate = Certificate.FLEET
    certificate_chain: str | None = None
    certificate_key: str | None = None
    language: Literal["en", "it"] | None = None
    title: Line | None = None
    from_: Annotated[Email | None, Field(alias="dem_from")] = None
    lists: tuple[MailingList, ...] | None = None
    discussions: Annotated[bool, Field(strict=True)] = False
    bounce_rate: Percent = 5.0
    complaint_rate: Percent = 0.3

    @model_validator(mode="after")
    def _fits(self) -> DemServer:
        if self.software is Software.PHPLIST and not (self.archive and self.archive_sha256):
            raise ValueError("phplist needs dem_archive and dem_archive_sha256")
        if self.software is Software.SYMPA and (self.archive or self.archive_sha256):
            raise ValueError("sympa comes from Debian's packages: it takes no dem_archive")
        if self.certificate is Certificate.GIVEN and not (self.certificate_chain and self.certificate_key):
            raise ValueError(
                "a certificate that is given needs dem_certificate_chain and dem_certificate_key"
            )
        if self.archive and "://" in self.archive and not self.archive.startswith(ARCHIVE_SCHEME):
            raise ValueError(f"dem_archive: {self.archive!r} is neither a path nor an https URL")
        if self.from_ and self.from_.rpartition("@")[2] != self.domain:
            raise ValueError(f"dem_from: {self.from_!r} is not in {self.domain!r}")
        if self.discussions and self.software is not Software.SYMPA:
            raise ValueError(f"dem_discussions: {self.software.value} takes no mail from readers; sympa does")
        if self.discussions and self.admin.rpartition("@")[2] == self.domain:
            raise ValueError(
                f"dem_admin: {self.admin!r} would get no mail: {self.domain!r} is for lists alone"
            )
        kinds = {each.kind for each in self.lists or ()}
        if Kind.DISCUSSION in kinds and not self.discussions:
            raise ValueError("a list of the kind discussion needs 'dem_discussions: true'")
        names = [each.name for each in self.lists or ()]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"dem_lists: {min(twice)!r} is there twice")
        return self

    @property
    def url(self) -> str:
        """The web site."""
        return f"https://{self.site}/"

    @property
    def admin_login(self) -> str:
        """As whom the administrator logs in there: at phpList it is a name, and no address is one."""
        return "admin" if self.software is Software.PHPLIST else self.admin


def settings_file(host: str) -> str:
    """Where a host's public settings are, below the inventory."""
    return f"host_vars/{host}/dem.yml"


def secrets_file(host: str) -> str:
    """Where its passwords are, encrypted as a whole."""
    return f"host_vars/{host}/dem_secrets.yml"
