"""The web of list servers, over a real server with a certificate of the fleet's."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from provisioner.adapters.dem_web import DemWeb
from tests.https import served_over_tls

SITE = "news.acme.example"


class Handler(BaseHTTPRequestHandler):
    """Gives a cookie and leads elsewhere; tells what it was asked and with which cookie."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        endless = self.path == "/endless"
        self.send_response(302 if self.path == "/old" or endless else 200)
        self.send_header("Set-Cookie", "session=1; Path=/; Secure")
        if self.path == "/old":
            self.send_header("Location", f"https://{SITE}/new")
        if endless:
            self.send_header("Location", "/endless")
        text = f"{self.command} {self.path} {self.headers['Host']} [{self.headers.get('Cookie', '')}] {sent}"
        body = text.encode() if self.command != "HEAD" else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    with served_over_tls(tmp_path_factory.mktemp("tls"), SITE, Handler) as where:
        yield where


@pytest.fixture
def web(served: tuple[Path, int]) -> Iterator[DemWeb]:
    with DemWeb(SITE, "127.0.0.1", served[0], served[1]) as opened:
        yield opened


def test_a_browser_follows_and_keeps_cookies(web: DemWeb) -> None:
    page = web.browse("GET", f"https://{SITE}/old")
    assert (page.url, page.status) == (f"https://{SITE}/new", 200)
    assert page.text == f"GET /new {SITE} [session=1] "
    posted = web.browse("POST", f"https://{SITE}/form?a=1", {"email": "a@b.example"})
    assert posted.text == f"POST /form?a=1 {SITE} [session=1] email=a%40b.example"


def test_whoever_asks_a_link_keeps_nothing_and_follows_nowhere(web: DemWeb) -> None:
    asked = web.ask("GET", f"https://{SITE}/old")
    assert (asked.status, asked.location) == (302, f"https://{SITE}/new")
    again = web.ask("POST", f"https://{SITE}/x", {"List-Unsubscribe": "One-Click"})
    assert again.body == f"POST /x {SITE} [] List-Unsubscribe=One-Click"
    assert web.ask("HEAD", f"https://{SITE}/x").status == 200


def test_a_certificate_of_another_name_is_no_answer(served: tuple[Path, int]) -> None:
    with DemWeb("other.acme.example", "127.0.0.1", *served) as web:
        answer = web.ask("GET", "https://other.acme.example/")
        page = web.browse("GET", "https://other.acme.example/")
    assert answer.status == 0
    assert "ertificate" in answer.error
    assert (page.status, "ertificate" in page.text) == (0, True)


def test_other_sites_are_not_asked(web: DemWeb) -> None:
    assert "is not a page of" in web.ask("GET", "https://elsewhere.example/").error
    assert not web.is_ours("https://elsewhere.example/")


def test_redirects_without_end_are_no_answer(web: DemWeb) -> None:
    assert "redirects" in web.browse("GET", f"https://{SITE}/endless").text
