"""What became of a newsletter: delivered, bounced, complained of; and when that is too much. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioner.core.bounce_kinds import Kind, classify
from provisioner.core.dem import DemServer
from provisioner.core.suppression import Entry, Reason

FEWEST_RECIPIENTS = 100
FEWEST_BOUNCES = 5
FEWEST_COMPLAINTS = 3
"""Less tells nothing: of ten readers, one who moved away is ten per cent."""

GUARDED = timedelta(days=3)
"""A campaign is looked at so long after it began: most bounces and complaints come within."""

REPORTED = timedelta(days=1)
"""A campaign is reported so long after it began, and no later than as long again."""

KINDS = (Kind.HARD, Kind.FULL, Kind.BLOCKED, Kind.SOFT)
"""The kinds of failures that reports tell apart."""

_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "google": ("gmail.com", "googlemail.com"),
    "yahoo": ("yahoo.com", "yahoo.it", "ymail.com", "aol.com"),
    "microsoft": (
        *("outlook.com", "outlook.it", "hotmail.com", "hotmail.it", "live.com", "live.it", "msn.com"),
    ),
    "italiaonline": ("libero.it", "virgilio.it", "inwind.it", "iol.it", "blu.it"),
}
"""As the backends' transports for them (role backend, backend_providers)."""

_PROVIDER_OF = {domain: name for name, domains in _PROVIDERS.items() for domain in domains}


@dataclass(frozen=True)
class Campaign:
    """One newsletter, as the list server has it. unsubscribed: how many left by it.

    path: what stands for its list in return paths; until: when the next one with the same path began.
    """

    id: str
    list_name: str
    subject: str
    started: datetime
    recipients: int
    unsubscribed: int = 0
    path: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Attempt:
    """A recipient's last attempt: Postfix's status, RFC 3463 code, what the server said."""

    status: str
    dsn: str = ""
    said: str = ""


@dataclass(frozen=True)
class Line:
    """What became of the recipients at one provider. bounced: by kind."""

    provider: str
    recipients: int
    delivered: int
    deferred: int
    bounced: Mapping[Kind, int]

    @property
    def failed(self) -> int:
        """All that bounced."""
        return sum(self.bounced.values())


@dataclass(frozen=True)
class Report:
    """A campaign's report: by provider, the largest first; whom the customer writes to no more for it."""

    campaign: Campaign
    lines: tuple[Line, ...]
    removed: tuple[Entry, ...]

    @property
    def total(self) -> Line:
        """All providers together."""
        bounced: Counter[Kind] = Counter()
        for line in self.lines:
            bounced.update(line.bounced)
        return Line(
            "",
            sum(line.recipients for line in self.lines),
            sum(line.delivered for line in self.lines),
            sum(line.deferred for line in self.lines),
            dict(bounced),
        )

    @property
    def complaints(self) -> int:
        """Readers who pressed the spam button."""
        return sum(each.reason is Reason.COMPLAINT for each in self.removed)

    @property
    def bounce_rate(self) -> float:
        """Per cent of the recipients tried so far that bounced."""
        return _percent(self.total.failed, self.total.recipients)

    @property
    def complaint_rate(self) -> float:
        """Per cent of those who got it that complained."""
        return _percent(self.complaints, self.total.delivered)


def report(
    campaign: Campaign,
    attempts: Mapping[str, Attempt],
    suppressed: Iterable[Entry],
    later: Collection[str] = (),
) -> Report:
    """A campaign's report. attempts: by address in lower case; suppressed: the customer's whole list.

    A server may return a mail that it took first: whoever is on the list for that since counts as bounced.
    Return paths name no campaign. So what comes after `until` is of a later one where that went to the same
    address; later: the addresses that it went to. Who is on the list gets no more, so the rest is this one's.
    """
    removed = tuple(
        each
        for each in suppressed
        if each.reason in {Reason.BOUNCE, Reason.COMPLAINT}
        and each.at >= campaign.started
        and each.address in attempts
        and (campaign.until is None or each.at < campaign.until or each.address not in later)
    )
    returned = {each.address for each in removed if each.reason is Reason.BOUNCE}
    by_provider: dict[str, list[tuple[str, Attempt]]] = {}
    for address, attempt in attempts.items():
        by_provider.setdefault(provider_of(address), []).append((address, attempt))
    lines = [_line(provider, found, returned) for provider, found in by_provider.items()]
    lines.sort(key=lambda line: (-line.recipients, line.provider))
    return Report(campaign, tuple(lines), removed)


def provider_of(address: str) -> str:
    """The provider of a mailbox, by its domain; the domain itself where it is none of the large ones."""
    domain = address.rpartition("@")[2].lower()
    return _PROVIDER_OF.get(domain, domain)


def _line(provider: str, found: Sequence[tuple[str, Attempt]], returned: set[str]) -> Line:
    delivered = deferred = 0
    bounced: Counter[Kind] = Counter()
    for address, attempt in found:
        if attempt.status == "sent" and address not in returned:
            delivered += 1
        elif attempt.status == "sent":
            bounced[Kind.HARD] += 1
        elif attempt.status == "deferred":
            deferred += 1
        else:
            bounced[classify(attempt.dsn, attempt.said)] += 1
    return Line(provider, len(found), delivered, deferred, dict(bounced))


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def too_much(server: DemServer, found: Report) -> str:
    """Why a campaign has to be paused, in words; empty when it may go on."""
    total = found.total
    if total.recipients < FEWEST_RECIPIENTS:
        return ""
    reasons = []
    if total.failed >= FEWEST_BOUNCES and found.bounce_rate > server.bounce_rate:
        reasons.append(
            f"{total.failed:,} of {total.recipients:,} recipients bounced ({found.bounce_rate:.1f} %, "
            f"{server.bounce_rate:g} % at most)"
        )
    if found.complaints >= FEWEST_COMPLAINTS and found.complaint_rate > server.complaint_rate:
        reasons.append(
            f"{found.complaints:,} of {total.delivered:,} readers complained ({found.complaint_rate:.2f} %, "
            f"{server.complaint_rate:g} % at most)"
        )
    return "; ".join(reasons)


def guarded(campaigns: Iterable[Campaign], now: datetime, resumed: float = 0.0) -> list[Campaign]:
    """The campaigns that are young enough to be looked at.

    resumed: when somebody let those go that had begun, in seconds since 1970.
    """
    return [
        each for each in campaigns if now - each.started <= GUARDED and each.started.timestamp() > resumed
    ]


def to_report(campaigns: Iterable[Campaign], now: datetime) -> list[Campaign]:
    """The campaigns whose report is due: what bounces has mostly done so, and customers still remember."""
    return [each for each in campaigns if REPORTED <= now - each.started < 2 * REPORTED]


COLUMNS = ("provider", "recipients", "delivered", "deferred", *(f"bounced_{kind.value}" for kind in KINDS))


def table(found: Report) -> str:
    """The report as CSV (RFC 4180): a line a provider, then all together, then what concerns the whole."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow((*COLUMNS, "complaints", "unsubscribed", "removed"))
    for line in found.lines:
        rows.writerow((*_cells(line), "", "", ""))
    whole = (found.complaints, found.campaign.unsubscribed, len(found.removed))
    rows.writerow(("total", *_cells(found.total)[1:], *whole))
    return text.getvalue()


def _cells(line: Line) -> tuple[str | int, ...]:
    kinds = (line.bounced.get(kind, 0) for kind in KINDS)
    return (line.provider, line.recipients, line.delivered, line.deferred, *kinds)
