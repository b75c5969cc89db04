from __future__ import annotations

import pytest

from provisioner.core.checks import LinkAnswer, check_headers, check_link
from provisioner.core.findings import Finding, Status
from provisioner.core.probes import Probed, Verdict

URL = "https://news.acme.example/u/1"
BUTTON = "<form action='/u/1' method='post'><button>Leave</button></form>"
DONE = LinkAnswer(200, "You have left.")


def message(*headers: str) -> bytes:
    return "\n".join([*headers, "Subject: x", "", "text"]).encode()


def signed(covered: str, selector: str = "s1") -> str:
    return f"DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s={selector};\n\th={covered}; b=xyz"


LINK = "List-Unsubscribe: <mailto:leave@acme.example>, <https://acme.example/u>"
CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
BOTH = "from:to:List-Unsubscribe:\n\tlist-unsubscribe-post"


def headers(*lines: str, verdict: Verdict = Verdict.RIGHT, said: str = "") -> Finding:
    probe = Probed("acme.example", "be1", verdict, said, message(*lines))
    (found,) = check_headers("acme.example", [probe])
    return found


def test_headers_that_every_signature_covers_pass() -> None:
    found = headers(signed(BOTH), signed(BOTH, "e1"), LINK, CLICK)
    assert (found.status, found.server) == (Status.PASS, "be1")


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        ((signed(BOTH), CLICK), "no https link"),
        ((signed(BOTH), "List-Unsubscribe: <mailto:a@b.example>", CLICK), "no https link"),
        ((signed(BOTH), "List-Unsubscribe: <http://acme.example/u>", CLICK), "no https link"),
        ((signed(BOTH), LINK), "List-Unsubscribe-Post is not"),
        ((signed(BOTH), LINK, "List-Unsubscribe-Post: yes"), "List-Unsubscribe-Post is not"),
        ((signed("from:to"), LINK, CLICK), "s1 does not cover list-unsubscribe and list-unsubscribe-post"),
        ((signed(BOTH), signed("from:list-unsubscribe", "e1"), LINK, CLICK), "e1 does not cover list-unsub"),
    ],
)
def test_headers_that_receivers_do_not_go_by(lines: tuple[str, ...], seen: str) -> None:
    found = headers(*lines)
    assert found.status is Status.FAIL
    assert seen in found.seen
    assert found.fix


def test_a_probe_in_doubt_is_unknown_and_a_wrong_one_fails() -> None:
    assert headers(verdict=Verdict.DOUBT, said="no answer").status is Status.UNKNOWN
    assert headers(verdict=Verdict.WRONG, said="not signed").status is Status.FAIL


def link(post: LinkAnswer, get: LinkAnswer, head: LinkAnswer | None = None) -> dict[str, Finding]:
    answers = {"POST": post, "GET": get, "HEAD": head or LinkAnswer(get.status)}
    return {each.subject.partition(" ")[0]: each for each in check_link(URL, answers)}


def test_a_link_that_asks_first_and_acts_on_post_passes() -> None:
    assert {each.status for each in link(DONE, LinkAnswer(200, BUTTON)).values()} == {Status.PASS}
    assert {each.status for each in link(LinkAnswer(204), LinkAnswer(405)).values()} == {Status.PASS}


@pytest.mark.parametrize("status", [302, 403, 404, 500])
def test_a_link_that_post_does_not_work_on(status: int) -> None:
    found = link(LinkAnswer(status, location="/login"), LinkAnswer(200, BUTTON))["POST"]
    assert found.status is Status.FAIL
    assert str(status) in found.seen


def test_a_link_that_acts_on_get_is_found_out() -> None:
    found = link(DONE, DONE)["GET"]
    assert found.status is Status.FAIL
    assert "scanners" in found.fix


def test_head_has_done_what_get_finds_done() -> None:
    """It has no page; but what asked before it acts, still asks afterwards."""
    assert link(DONE, LinkAnswer(200, BUTTON), LinkAnswer(200))["HEAD"].status is Status.PASS
    assert link(DONE, LinkAnswer(200, "<p>You left already"), LinkAnswer(200))["HEAD"].status is Status.WARN


def test_a_link_whose_get_nobody_can_judge_is_a_warning() -> None:
    assert link(DONE, LinkAnswer(200, "<p>Bye"))["GET"].status is Status.WARN
    assert link(DONE, LinkAnswer(302, location="/"))["GET"].status is Status.WARN


def test_silence_is_doubt() -> None:
    lost = LinkAnswer(0, error="no answer")
    assert {each.status for each in link(lost, lost, lost).values()} == {Status.UNKNOWN}
