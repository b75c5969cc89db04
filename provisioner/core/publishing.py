"""What to change in DNS to make records as they ought to be, without destroying what others keep there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from provisioner.core.records import Record, Zone
from provisioner.core.spf import is_spf


class PublishStatus(StrEnum):
    """How publishing a set of records ended."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    NOT_OURS = "not ours"
    FAILED = "failed"


@dataclass(frozen=True)
class PublishResult:
    """What became of the records of one name and type; message says why, or what a person has to do."""

    name: str
    type: str
    zone: Zone
    status: PublishStatus
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong: customers' zones, and reverse zones, may well be at somebody else's."""
        if self.status is PublishStatus.NOT_OURS:
            return self.zone is Zone.CUSTOMER or self.type == "PTR"
        return self.status in {PublishStatus.PUBLISHED, PublishStatus.UNCHANGED}


@dataclass(frozen=True)
class Change:
    """The values that a name's record set should get; None: leave it. `conflict`: why it must be left."""

    values: tuple[str, ...] | None
    conflict: str = ""


def plan_change(wanted: Sequence[Record], existing: Sequence[str]) -> Change:
    """What to do about the existing values of one name and type. All of `wanted` share both."""
    first = wanted[0]
    values = tuple(record.value for record in wanted)
    if first.type == "TXT" and is_spf(first.value):
        return _spf(first, existing)
    if first.purpose == "dmarc":
        present = [value for value in existing if value.lower().startswith("v=dmarc1")]
        # A policy that the customer chose is not ours to weaken.
        return Change(None) if present else Change((*existing, *values))
    if first.purpose == "dem-mx" and existing and set(values) != set(existing):
        said = (
            f"mail comes elsewhere: {' | '.join(existing)}. Remove that first, if nobody has a mailbox there"
        )
        return Change(None, said)
    return Change(None) if set(values) == set(existing) else Change(values)


def _spf(record: Record, existing: Sequence[str]) -> Change:
    policies = [value for value in existing if is_spf(value)]
    others = [value for value in existing if not is_spf(value)]
    if policies == [record.value]:
        return Change(None)
    if not policies or record.zone is Zone.OPERATOR:
        return Change((*others, record.value))
    include = record.value.split()[1]
    if len(policies) == 1 and include in policies[0].lower().split():
        return Change(None)
    return Change(None, f"there is an SPF record already: {' | '.join(policies)}. {record.note}")
