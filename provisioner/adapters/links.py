"""Ask links: as scanners of links and receivers' one-click buttons do, or for what a server publishes."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.core.checks import LinkAnswer
from provisioner.core.checks.one_click import METHODS, POST_BODY

_TIMEOUT = 10.0
_LARGEST = 262_144
"""Bytes of a page that are read: more than any page with one button has."""


def ask(url: str, authority: Path | None = None) -> Mapping[str, LinkAnswer]:
    """The answers to HEAD, GET and POST by method, each without cookies, and redirects not followed.

    authority: a file with the fleet's CA, trusted besides the system's.
    """
    context = _context(authority)
    return {method: _ask(method, url, context) for method in METHODS}


def fetch(host: str, path: str, address: str, authority: Path | None = None) -> LinkAnswer:
    """What the https server at an address says of a host's path, as one that has its certificate."""
    at = f"[{address}]" if ":" in address else address
    return _ask("GET", f"https://{at}{path}", _context(authority), host)


def _context(authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority is not None and authority.exists():
        context.load_verify_locations(authority)
    return context


def _ask(method: str, url: str, context: ssl.SSLContext, host: str = "") -> LinkAnswer:
    import httpx  # noqa: PLC0415 - slow to load, and only --live asks links

    form = POST_BODY if method == "POST" else None
    named: dict[str, Any] = {"headers": {"Host": host}, "extensions": {"sni_hostname": host}} if host else {}
    try:
        # A client of its own for each: what one answer wants remembered, the next request does not know.
        with (
            httpx.Client(verify=context, timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream(method, url, data=form, **named) as response,
        ):
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    break
            text = body[:_LARGEST].decode(response.encoding or "utf-8", "replace")
            return LinkAnswer(response.status_code, text, response.headers.get("location", ""))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return LinkAnswer(0, error=f"no answer: {error or type(error).__name__}")
