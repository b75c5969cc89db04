"""The readiness report as a customer sees it: in a browser, from a file, with no network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route

from provisioner.adapters.readiness_page import Language, page
from provisioner.core.findings import Finding, Status

PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN
Scheme = Literal["light", "dark"]
HOSTILE = (
    """v=spf1 <script>document.title='taken'</script> "><img src=x onerror="document.title='taken'"> -all"""
)
RECORD = "v=spf1 include:_spf.operator.example ~all"
REPORTS = {
    "acme.example": [
        Finding("zone", "acme.example", PASS, "ns1.example (192.0.2.1)"),
        Finding("dkim", "s1._domainkey.acme.example", UNKNOWN, "no answer", "ns2.example", "Ask again"),
        Finding(
            "spf",
            "acme.example",
            FAIL,
            "v=spf1 include:_spf.operator.exampel ~all",
            "ns1.example (192.0.2.1)",
            f'Publish instead: acme.example TXT "{RECORD}"',
            RECORD,
            ("_spf.operator.exampel: no such name", "acme.example: include has no SPF record"),
        ),
        Finding("ttl", "acme.example", WARN, "604800 s", "", "Lower it to a day at most"),
    ],
    "xn--bcher-kva.example": [Finding("spf", "xn--bcher-kva.example", FAIL, HOSTILE, fix=HOSTILE)],
    "long.example": [Finding("dkim", "x" * 63 + ".long.example", PASS, "p=" + "A" * 800)],
}

_CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
"""Every visible text with the contrast to what is behind it (WCAG 2.2, 1.4.3)."""

Open = Callable[..., Page]


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the report; fails when it asks for anything but itself, or complains."""
    asked: list[str] = []
    complaints: list[str] = []
    contexts = []

    def only_itself(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_()

    def open_(language: Language = "en", width: int = 1280, scheme: Scheme = "light", **more: Any) -> Page:
        file = tmp_path / "report.html"
        file.write_text(page(REPORTS, language, datetime(2026, 11, 24, 12, 0, tzinfo=UTC), "all"))
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, **more
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.route("**/*", only_itself)
        tab.goto(file.as_uri())
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert {Path(url).name for url in asked} == {"report.html"}
    assert not complaints


@pytest.mark.parametrize(("language", "title"), [("en", "Mail readiness"), ("it", "Verifica della posta")])
def test_it_says_whose_it_is_in_the_readers_language(shown: Open, language: Language, title: str) -> None:
    tab = shown(language)
    assert tab.title().startswith(f"{title}: acme.example")
    assert tab.locator("html").get_attribute("lang") == language
    assert tab.locator("h2").all_inner_texts() == ["acme.example", "bücher.example", "long.example"]


def test_the_worst_comes_first(shown: Open) -> None:
    section = shown().locator("section").first
    assert section.locator("article").evaluate_all("all => all.map(a => a.className)") == [
        "fail",
        "unknown",
        "warn",
        "pass",
    ]
    assert section.locator("article").first.locator("strong").last.inner_text().endswith(f'"{RECORD}"')


def test_what_differs_is_marked_for_the_eye(shown: Open) -> None:
    mark = shown().locator("section").first.locator("mark")
    assert mark.all_inner_texts() == ["include:_spf.operator.exampel"]
    behind = mark.evaluate("e => [e, e.parentElement].map(each => getComputedStyle(each).backgroundColor)")
    assert behind[0] != behind[1]


def test_how_it_came_about_opens(shown: Open) -> None:
    tab = shown()
    steps = tab.locator("details").first
    assert not steps.locator("li").first.is_visible()
    steps.locator("summary").click()
    assert steps.locator("li").all_inner_texts() == list(REPORTS["acme.example"][2].trace)


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_nothing_runs_over_the_edge(shown: Open, width: int) -> None:
    tab = shown(width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(shown: Open, scheme: Scheme) -> None:
    texts = shown(scheme=scheme).evaluate(_CONTRAST)
    assert len(texts) > 20
    assert not [each for each in texts if each["ratio"] < 4.5]


def test_what_strangers_put_into_dns_stays_text(shown: Open) -> None:
    tab = shown()
    assert "taken" not in tab.title()
    assert tab.locator("img, script").count() == 0
    assert HOSTILE in tab.locator("section").nth(1).locator("code").first.inner_text()


def test_a_name_is_shown_as_its_owner_writes_it(shown: Open) -> None:
    assert shown().locator("section").nth(1).locator("header").inner_text().endswith("bücher.example")


def test_it_prints(shown: Open) -> None:
    paper = shown().pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 3
