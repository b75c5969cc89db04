from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from email import message_from_string, policy

import pytest

from provisioner.adapters import notice_files
from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.notices import UsageNotice
from provisioner.core.usage import Usage
from provisioner.workflows.usage_notices import Told, sender_of, tell
from tests.unit.core.test_bundle import ACME, GLOBEX, INVENTORY, SETTINGS

READY = replace(INVENTORY, settings=SETTINGS.model_copy(update={"notices_from": "help@globex.example"}))


def notice(customer: str, level: int) -> UsageNotice:
    return UsageNotice(Usage(customer, "base", 800, 1000, 0, None, {"2026-11-23": 800}), level, "2026-11-23")


class Store:
    """Names that are taken, as the counter store keeps them."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def claim(self, names: Sequence[str]) -> list[bool]:
        free = [name not in self.taken for name in names]
        self.taken |= set(names)
        return free

    def release(self, names: Sequence[str]) -> None:
        self.taken -= set(names)


def run(
    store: Store, due: Sequence[UsageNotice], code: int = 250
) -> tuple[list[Told], list[Mapping[str, str]]]:
    sent: list[Mapping[str, str]] = []

    def hand_over(notices: Sequence[Mapping[str, str]]) -> list[tuple[int, str]]:
        sent.extend(notices)
        return [(code, "said")] * len(notices)

    return tell(READY, due, store.claim, store.release, notice_files.usage, hand_over), sent


def test_each_level_is_told_once() -> None:
    store = Store()
    told, sent = run(store, [notice("acme", 80), notice("globex", 100)])
    assert [(each.contact, each.ok) for each in told] == [
        ("it@acme.example", True),
        ("it@globex.example", True),
    ]
    assert [(each["account"], each["sender"]) for each in sent] == [("globex", "help@globex.example")] * 2
    assert run(store, [notice("acme", 80), notice("globex", 80)]) == ([], [])
    assert [each.notice.level for each in run(store, [notice("acme", 100)])[0]] == [100]


def test_what_is_not_taken_may_be_sent_by_the_next_run() -> None:
    store = Store()
    assert [each.ok for each in run(store, [notice("acme", 100)], code=451)[0]] == [False]

    def away(_: Sequence[Mapping[str, str]]) -> list[tuple[int, str]]:
        raise HostsFailed("no backend answers")

    with pytest.raises(HostsFailed):
        tell(READY, [notice("acme", 100)], store.claim, store.release, notice_files.usage, away)
    assert store.taken == set()
    assert [each.ok for each in run(store, [notice("acme", 100)])[0]] == [True]


def test_without_a_sender_that_the_fleet_signs_for_nobody_is_told() -> None:
    with pytest.raises(UsageError, match="fleet_notices_from is not set"):
        sender_of(INVENTORY)
    elsewhere = replace(INVENTORY, settings=SETTINGS.model_copy(update={"notices_from": "a@other.example"}))
    with pytest.raises(UsageError, match=r"no customer sends in other\.example"):
        sender_of(elsewhere)


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize("level", [80, 100])
def test_the_words(language: str, level: int) -> None:
    customer = (GLOBEX if language == "en" else ACME).model_copy(update={"language": language})
    raw = notice_files.usage(notice(customer.name, level), customer, "help@globex.example")
    assert raw.isascii()
    message = message_from_string(raw, policy=policy.default)
    assert f"{level} %" in message["Subject"]
    assert (message["To"], message["Auto-Submitted"]) == (customer.contact, "auto-generated")
    body = message.get_content()
    assert "800" in body
    assert ("midnight" if language == "en" else "mezzanotte") in body
