"""One-click unsubscription as receivers ask for it (RFC 8058; Google and Yahoo for bulk mail)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from provisioner.core.findings import Finding, Status
from provisioner.core.probes import Probed, Verdict

COVERED = ("list-unsubscribe", "list-unsubscribe-post")
METHODS = ("HEAD", "GET", "POST")
POST_BODY = {"List-Unsubscribe": "One-Click"}
"""What receivers post (RFC 8058 3.2)."""

_SIGN = "Run: provisioner deploy --limit backends; its signers sign both headers"


def check_headers(domain: str, probes: Sequence[Probed]) -> list[Finding]:
    """Whether each backend, given a message with one-click headers, signs these too (RFC 8058 4)."""
    return [_headers(domain, probe) for probe in probes]


def not_probed(domain: str, *, sends: bool) -> Finding:
    """The finding about a domain for which nothing can be probed: no account sends in it, or no key signs."""
    if not sends:
        return Finding("one-click", domain, Status.WARN, "not tried: no account may send in this domain")
    fix = f"Have a key made, published and used: provisioner dkim rotate {domain} --apply --wait"
    return Finding("one-click", domain, Status.FAIL, "not tried: no key signs for this domain", "", fix)


def _headers(domain: str, probe: Probed) -> Finding:
    if probe.verdict is Verdict.DOUBT:
        return Finding("one-click", domain, Status.UNKNOWN, probe.said, probe.host, "Ask again later")
    if probe.verdict is Verdict.WRONG:
        fix = f"See: provisioner dkim check {domain}"
        return Finding("one-click", domain, Status.FAIL, f"its probe: {probe.said}", probe.host, fix)
    missing = not_covered(BytesHeaderParser().parsebytes(probe.raw))
    if missing:
        return Finding("one-click", domain, Status.FAIL, missing, probe.host, _SIGN)
    seen = "List-Unsubscribe and List-Unsubscribe-Post arrive as they were, covered by every signature"
    return Finding("one-click", domain, Status.PASS, seen, probe.host)


def not_covered(message: Message) -> str:
    """What is wrong with the headers of a signed message, in words; empty when nothing is."""
    links = re.findall(r"<\s*(https://[^>\s]+)\s*>", str(message.get("List-Unsubscribe", "")))
    if not links:
        return "no https link in List-Unsubscribe"
    if str(message.get("List-Unsubscribe-Post", "")).strip() != "List-Unsubscribe=One-Click":
        return "List-Unsubscribe-Post is not List-Unsubscribe=One-Click"
    for signature in message.get_all("DKIM-Signature", []):
        tags = dict(part.strip().partition("=")[::2] for part in str(signature).split(";"))
        covered = {name.strip().lower() for name in tags.get("h", "").split(":")}
        if lacking := [name for name in COVERED if name not in covered]:
            return f"the signature with {tags.get('s', '?').strip()} does not cover {' and '.join(lacking)}"
    return ""


@dataclass(frozen=True)
class LinkAnswer:
    """What a link answered: status 0 where there was no answer, and `error` says why."""

    status: int
    body: str = ""
    location: str = ""
    error: str = ""


def check_link(url: str, answers: Mapping[str, LinkAnswer]) -> list[Finding]:
    """What HEAD, GET and POST (RFC 8058 3.2), asked in this order and without cookies, tell of a link."""
    posted = answers["POST"]
    found = [_acts(url, posted)]
    got = answers["GET"]
    return [*found, *(_only_shows(url, method, answers[method], got, posted) for method in ("GET", "HEAD"))]


def _acts(url: str, answer: LinkAnswer) -> Finding:
    if not answer.status:
        return Finding("one-click", f"POST {url}", Status.UNKNOWN, answer.error, "", "Ask again later")
    if answer.status // 100 == 3:
        fix = "Have the link act itself: receivers follow no redirect after POST (RFC 8058 3.1)"
        return Finding(
            "one-click", f"POST {url}", Status.FAIL, f"{answer.status} to {answer.location}", "", fix
        )
    if answer.status // 100 != 2:
        fix = "Have the link take List-Unsubscribe=One-Click by POST, without cookies or login"
        return Finding("one-click", f"POST {url}", Status.FAIL, f"answers {answer.status}", "", fix)
    return Finding(
        "one-click", f"POST {url}", Status.PASS, f"answers {answer.status}, without cookies or redirect"
    )


def _only_shows(url: str, method: str, answer: LinkAnswer, got: LinkAnswer, posted: LinkAnswer) -> Finding:
    """Scanners of links ask with GET and HEAD: these may show a page, and must not act.

    HEAD has no page to look at: what GET shows after it tells whether there was something left to ask.
    """
    subject = f"{method} {url}"
    if not answer.status:
        return Finding("one-click", subject, Status.UNKNOWN, answer.error, "", "Ask again later")
    if answer.status // 100 == 5:
        return Finding("one-click", subject, Status.FAIL, f"answers {answer.status}", "", "Mend the page")
    if answer.status // 100 == 4:
        return Finding("one-click", subject, Status.PASS, f"answers {answer.status}: it does nothing")
    if re.search(r"<form[^>]+method=[\"']?post", got.body, re.IGNORECASE):
        return Finding("one-click", subject, Status.PASS, "shows a page that asks first")
    if answer.status // 100 == 2 and answer.body.strip() == posted.body.strip() != "":
        fix = "Have GET show a page with a button that posts: scanners of links unsubscribe readers else"
        return Finding("one-click", subject, Status.FAIL, "says the same as POST: it unsubscribes", "", fix)
    fix = "See whether the reader is subscribed still; GET should show a page with a button that posts"
    seen = f"answers {answer.status} without a button: whether it unsubscribes can't be seen from here"
    return Finding("one-click", subject, Status.WARN, seen, "", fix)
