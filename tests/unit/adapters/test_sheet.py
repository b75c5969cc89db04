"""The hand-over sheet in its languages and forms."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from provisioner.adapters import sheet_files
from provisioner.core.sheet import Language, sheet
from tests.unit.core.test_bundle import ACME, INVENTORY


@pytest.mark.parametrize(("language", "says"), [("en", "Recipients a day"), ("it", "Destinatari al giorno")])
def test_the_sheet_has_all_that_a_customer_needs(language: Language, says: str) -> None:
    text = sheet_files.markdown(sheet(INVENTORY, ACME, language))
    assert f"| {says} | 1\u202f000 |" in text
    for needed in ("smtp.operator.example", "587", "465", "acme-app", "acme-web", "hostmaster@mailbox.test"):
        assert needed in text
    assert "| `_dmarc.shop.acme.example` | TXT | `v=DMARC1; p=none; rua=mailto:it@acme.example` |" in text
    assert "$argon2id" not in text
    assert "dkim.operator.example` | TXT" not in text  # the operator's own records are no business of theirs


def test_a_plan_without_limits_shows_the_fleets() -> None:
    customer = ACME.model_copy(update={"plan": "unlimited"})
    limits = dict(sheet(INVENTORY, customer, "en").plans[0].limits)
    assert limits["Recipients a day"] == "unlimited"
    assert limits["Recipients a message"] == "100"
    assert limits["Message size"] == "25 MiB"


@pytest.mark.parametrize(("language", "alone"), [("en", "alone"), ("it", "solo")])
def test_an_accounts_own_limits_and_plan_are_told(language: Language, alone: str) -> None:
    first, second = ACME.accounts
    limited = first.model_copy(
        update={"domains": ("shop.acme.example",), "networks": (ip_network("203.0.113.0/24"),)}
    )
    customer = ACME.model_copy(update={"accounts": (limited, second.model_copy(update={"plan": "dem"}))})
    text = sheet_files.markdown(sheet(INVENTORY, customer, language))
    (line,) = [line for line in text.splitlines() if f"`{first.login}`" in line]
    assert line.count(alone) == 2
    assert "shop.acme.example" in line
    assert "203.0.113.0/24" in line
    headings = [line for line in text.splitlines() if line.startswith("## P")]
    assert [heading.partition(": ")[2].partition(",")[0] for heading in headings] == ["base", "dem"]
    assert second.login in headings[1]


def test_the_page_stands_alone_and_escapes() -> None:
    settings = INVENTORY.settings.model_copy(update={"postmaster": "<b>@mailbox.test"})
    page = sheet_files.html(sheet(replace(INVENTORY, settings=settings), ACME, "en"))
    assert page.count("<table>") == 4
    assert "<b>@" not in page
    assert "src=" not in page
    assert "href=" not in page


@pytest.mark.parametrize("language", ["en", "it"])
def test_a_pdf_is_made(language: Language) -> None:
    assert sheet_files.pdf(sheet(INVENTORY, ACME, language)).startswith(b"%PDF-")
