"""A list server's web site, as its readers and the scanners of their links see it.

The host is asked at its address under its own name, so that it can be tested before DNS leads there; its
certificate has to be good for that name.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from provisioner.core.checks import LinkAnswer

_TIMEOUT = 30.0
_MOST_REDIRECTS = 5
HTTPS_PORT = 443


@dataclass(frozen=True)
class Page:
    """What a browser shows: where it ended up, the status (0: no answer, `text` says why), the page."""

    url: str
    status: int
    text: str


class DemWeb:
    """The web site at one address. `browse` keeps cookies and follows redirects, `ask` does neither."""

    def __init__(
        self, site: str, address: str, authority: Path | None = None, port: int = HTTPS_PORT
    ) -> None:
        """authority: a file with the fleet's CA, trusted besides the system's."""
        self._site, self._address, self._port = site, address, port
        self._context = ssl.create_default_context()
        if authority is not None and authority.exists():
            self._context.load_verify_locations(authority)

    def __enter__(self) -> Self:
        """Open the browser's session, and one for those who keep nothing."""
        self._browser = self._client()
        # Connections are kept, cookies are not: a scanner asks thousands of links.
        nobody = DefaultCookiePolicy(allowed_domains=[])
        self._plain = self._client(CookieJar(nobody))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close both."""
        self._browser.close()
        self._plain.close()

    def is_ours(self, url: str) -> bool:
        """Whether a link leads to this site."""
        return urlsplit(url).hostname == self._site

    def ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> LinkAnswer:
        """What one request answers, without cookies or redirects; usable from several threads."""
        try:
            response = self._send(self._plain, method, url, form, headers or {})
        except httpx.HTTPError as error:
            return LinkAnswer(0, error=f"no answer: {error or type(error).__name__}")
        return LinkAnswer(response.status_code, response.text, response.headers.get("location", ""))

    def browse(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Page:
        """The page that a person gets to see."""
        referer: dict[str, str] = {}
        try:
            for _ in range(_MOST_REDIRECTS):
                response = self._send(self._browser, method, url, form, referer)
                if not response.is_redirect:
                    return Page(url, response.status_code, response.text)
                referer = {"Referer": url}
                url = urljoin(url, response.headers["location"])
                if response.status_code not in {307, 308}:
                    method, form = "GET", None
        except httpx.HTTPError as error:
            return Page(url, 0, f"no answer: {error or type(error).__name__}")
        return Page(url, 0, f"more than {_MOST_REDIRECTS} redirects")

    def _client(self, jar: CookieJar | None = None) -> httpx.Client:
        return httpx.Client(verify=self._context, timeout=_TIMEOUT, trust_env=False, cookies=jar)

    def _send(
        self,
        client: httpx.Client,
        method: str,
        url: str,
        form: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        if not self.is_ours(url):
            raise httpx.UnsupportedProtocol(f"{url} is not a page of {self._site}")
        parts = urlsplit(url)
        at = f"[{self._address}]" if ":" in self._address else self._address
        port = self._port if parts.scheme == "https" else 80
        target = urlunsplit((parts.scheme, f"{at}:{port}", parts.path or "/", parts.query, ""))
        return client.request(
            method,
            target,
            data=dict(form) if form is not None else None,
            headers={"Host": self._site, "User-Agent": "provisioner dem check", **headers},
            extensions={"sni_hostname": self._site},
        )
