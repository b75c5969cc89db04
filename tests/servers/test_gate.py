"""The gate in front of Sympa and phpList, at a real nginx: nothing but a POST acts, however written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.servers import fastcgi
from tests.servers.gate import FORM, SITE, Answer, Gate
from tests.servers.gate_forms import HARMLESS, MULTIPART, PAGES, SEEN, SENT, UNSEEN, part
from tests.servers.gate_links import HONEST, LINKS, REFUSED

ONE_CLICK = b"List-Unsubscribe=One-Click"
DECLARED = {"Cookie": "x=y; declared=yes"}
LOOKS = ("GET", "HEAD")

ACTING = (
    ("/lists/?p=confirm&uid=U", ""),
    ("/lists/?p=unsubscribe&uid=U", "unsubscribe=x&unsubscribereason=y"),
    ("/lists/?p=unsubscribe&uid=U&jo=1", None),
    ("/lists/?uid=U&utm_source=x&jo=1&p=unsubscribe", None),
    ("/lists/?p=donotsend&email=a@b.example", ONE_CLICK.decode()),
)
"""POSTs that act at phpList, and what of the body gets there: None of one click's."""

FORMS = {"phplist": "/lists/?p=subscribe", "sympa": "/sympa"}
SOFTWARE = pytest.mark.parametrize("software", FORMS)

Gates = Callable[[str], Gate]


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    started = {software: Gate(tmp_path_factory.mktemp(software), software) for software in FORMS}
    yield started.__getitem__
    for gate in started.values():
        gate.stop()


@pytest.mark.parametrize(("software", "link"), LINKS)
def test_who_looks_at_a_link_that_acts_gets_a_button(gates: Gates, software: str, link: str) -> None:
    answers = [gates(software).ask(method, link) for method in LOOKS]
    assert answers[0].button
    assert [(each.status, each.asked) for each in answers] == [(200, False)] * 2


@pytest.mark.parametrize("method", [*LOOKS, "POST"])
@pytest.mark.parametrize(("software", "link"), REFUSED)
def test_what_is_written_to_get_around_is_refused(
    gates: Gates, software: str, link: str, method: str
) -> None:
    answer = gates(software).ask(method, link, b"website=" if method == "POST" else None)
    assert (answer.status in {400, 403, 404, 405}, answer.asked) == (True, False)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("link", ["/lists/?p=subscribe", "/sympa", "/sympa/ticket/T", "/lists/admin/"])
def test_no_other_method_gets_through(gates: Gates, link: str, method: str) -> None:
    answer = gates("phplist" if "lists" in link else "sympa").ask(method, link, b"action=subscribe")
    assert (answer.status, answer.asked) == (405, False)


@pytest.mark.parametrize(("software", "link"), HONEST)
def test_honest_links_pass_as_they_are(gates: Gates, software: str, link: str) -> None:
    answer = gates(software).ask("GET", link)
    told = answer.params
    assert (answer.status, told["REQUEST_METHOD"]) == (200, "GET")
    assert told["QUERY_STRING"] == link.partition("?")[2]


@pytest.mark.parametrize(("link", "body"), ACTING)
def test_a_post_acts_at_phplist(gates: Gates, link: str, body: str | None) -> None:
    answer = gates("phplist").ask("POST", link, ONE_CLICK if body is None else body.encode())
    told = answer.params
    assert (told["REQUEST_METHOD"], told["QUERY_STRING"]) == ("POST", link.partition("?")[2])
    length = "" if body is None else str(len(body))
    assert (answer.body, told["CONTENT_LENGTH"]) == (body or "", length)


def test_what_comes_beside_one_click_is_not_passed_on(gates: Gates) -> None:
    body = b"sendpersonallocation=x&email=a%40b.example&website="
    assert gates("phplist").ask("POST", "/lists/?p=unsubscribe&uid=U&jo=1", body).body == ""


@pytest.mark.parametrize("prefix", ["", "/nomenu"])
def test_a_post_confirms_at_sympa(gates: Gates, prefix: str) -> None:
    path = f"{prefix}/auth/K/subscribe/news"
    told = gates("sympa").ask("POST", f"/sympa{path}?email=a%40b.example", b"").params
    assert (told["REQUEST_METHOD"], told["PATH_INFO"]) == ("GET", path)
    assert told["QUERY_STRING"] == "email=a%40b.example&response_action=confirm"
    assert told["HTTP_COOKIE"] == fastcgi.SESSION


def test_a_post_leaves_and_logs_in_at_sympa(gates: Gates) -> None:
    left = gates("sympa").ask("POST", "/sympa/oneclick/news/20000-x", ONE_CLICK)
    assert (left.status, "Done" in left.text) == (200, True)
    assert gates("sympa").ask("POST", "/sympa/ticket/T", b"").params["PATH_INFO"] == "/ticket/T"


@SOFTWARE
@pytest.mark.parametrize(("body", "kind"), UNSEEN)
def test_a_form_that_nobody_saw_is_not_sent(gates: Gates, software: str, body: bytes, kind: str) -> None:
    told = _send(gates(software), body, kind).params
    assert (told.get("REQUEST_METHOD", "GET"), told.get("CONTENT_LENGTH", "")) == ("GET", "")


@SOFTWARE
@pytest.mark.parametrize(("body", "kind"), SEEN)
def test_a_form_that_a_reader_saw_is_sent(gates: Gates, software: str, body: bytes, kind: str) -> None:
    answer = _send(gates(software), body, kind)
    assert (answer.params["REQUEST_METHOD"], answer.body.encode()) == ("POST", body)


def test_no_form_at_phplist_is_too_long_to_be_seen(gates: Gates) -> None:
    body = b"website=&subscribe=x&y=" + b"y" * 200_000
    answer = _send(gates("phplist"), body, "")
    assert (answer.status, answer.asked) == (413, False)
    assert gates("phplist").ask("POST", "/lists/admin/?page=send", body).params["REQUEST_METHOD"] == "POST"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_long_form_at_sympa_is_looked_into(gates: Gates, chunked: bool) -> None:
    body = b"action_subscribe=x&y=" + b"y" * 3_000_000
    answer = gates("sympa").ask("POST", "/sympa", body, chunked=chunked)
    assert answer.params["REQUEST_METHOD"] == "GET"


def test_a_letter_with_attachments_is_sent_at_sympa(gates: Gates) -> None:
    body = part("action_send_mail", "x") + part("file", "x" * 20_000_000) + part("website")
    answer = _send(gates("sympa"), body, MULTIPART)
    assert (answer.params["REQUEST_METHOD"], answer.params["CONTENT_LENGTH"]) == ("POST", str(len(body)))


LIMITED = (
    ("phplist", "/lists/?p=subscribe", b"website=&subscribe=x"),
    ("phplist", "/lists/?p=confirm&uid=U&n={}", b""),
    ("phplist", "/lists/?p=unsubscribe&email=a{}@b.example&jo=1", ONE_CLICK),
    ("phplist", "/lists/?p=unsubscribe&uid={}", b"sendpersonallocation=x&email=a%40b.example"),
    ("phplist", "/lists/admin/", b"login=admin&password=x"),
    ("sympa", "/sympa", b"website=&action_login=x"),
    ("sympa", "/sympa/auth/K{}/subscribe/news?email=a%40b.example", b""),
    ("sympa", "/sympa/ticket/T{}", b""),
)
"""POSTs of one address; {} is another number each time."""
PROVIDED = (
    ("phplist", "/lists/?p=unsubscribe&uid=U{}&jo=1"),
    ("sympa", "/sympa/oneclick/news/20000-x{}"),
)


@pytest.mark.parametrize(("software", "link", "body"), LIMITED)
def test_one_address_sends_only_so_many_forms(gates: Gates, software: str, link: str, body: bytes) -> None:
    gate = gates(software)
    source = gate.a_source()
    statuses = [gate.ask("POST", link.format(number), body, source=source).status for number in range(25)]
    assert statuses[:10] == [200] * 10
    assert statuses[20:] == [429] * 5


@pytest.mark.parametrize(("software", "link"), PROVIDED)
def test_a_provider_sends_many_readers_clicks(gates: Gates, software: str, link: str) -> None:
    gate = gates(software)
    source = gate.a_source()
    statuses = [
        gate.ask("POST", link.format(number), ONE_CLICK, source=source).status for number in range(600)
    ]
    assert statuses[:250] == [200] * 250
    assert 429 in statuses


@pytest.mark.parametrize(("software", "link"), PROVIDED)
def test_one_link_is_clicked_only_so_often(gates: Gates, software: str, link: str) -> None:
    statuses = [gates(software).ask("POST", link.format("again"), ONE_CLICK).status for _ in range(25)]
    assert (statuses[:10], statuses[-1]) == ([200] * 10, 429)


def test_the_log_has_no_keys(gates: Gates) -> None:
    for gate, link in (
        (gates("sympa"), "/sympa/auth/KEY/subscribe/news?email=KEY"),
        (gates("sympa"), "/sympa/nomenu/ticket/KEY"),
        (gates("sympa"), "/sympa/oneclick/KEY?;"),
        (gates("phplist"), "/lists/?p=confirm&uid=KEY"),
    ):
        gate.ask("POST", link, b"")
        gate.ask("GET", link)
        assert "/gate/" in gate.log()
        assert "KEY" not in gate.log()


@pytest.mark.parametrize("cookie", ["", "declared=no", "xdeclared=yes"])
@pytest.mark.parametrize(("software", "link", "back"), PAGES)
def test_who_adds_addresses_declares_first(
    gates: Gates, software: str, link: str, back: str, cookie: str
) -> None:
    gate, more = gates(software), {"Cookie": cookie}
    answers = [gate.ask(method, link, more=more) for method in LOOKS]
    answers.append(gate.ask("POST", link, b"website=", more=more))
    assert [(each.status, each.asked) for each in answers] == [(200, False)] * 3
    leads = re.findall(r'action="([^"]*)"><button>I declare', answers[0].text + answers[2].text)
    assert leads == [f"/declare{back}"] * 2
    taken = gate.ask("POST", leads[0], b"")
    assert (taken.status, taken.headers["Location"]) == (303, back)
    assert taken.headers["Set-Cookie"].split("; ") == [
        *("declared=yes", "Max-Age=3600", "Path=/", "Secure", "HttpOnly", "SameSite=Strict")
    ]
    assert gate.ask("GET", link, more=DECLARED).params["QUERY_STRING"] == link.partition("?")[2]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("software", "link", "body", "kind"), SENT)
def test_a_form_that_adds_addresses_is_sent_once_declared(
    gates: Gates, software: str, link: str, body: bytes, kind: str, chunked: bool
) -> None:
    gate = gates(software)
    source = gate.a_source()
    answer = gate.ask("POST", link, body, kind=kind, chunked=chunked, source=source)
    assert (answer.button, answer.asked, "I declare" in answer.text) == (True, False, True)
    answer = gate.ask("POST", link, body, kind=kind, chunked=chunked, source=source, more=DECLARED)
    assert (answer.params["REQUEST_METHOD"], answer.body.encode()) == ("POST", body[: fastcgi.SHOWN])
    (said,) = gate.declarations(source, 1)
    assert re.fullmatch(rf"\S+ {source} {SITE} imported /\S+ 200", said)


def test_a_form_that_fits_no_buffer_needs_a_declaration(gates: Gates) -> None:
    body = (
        b"".join(b"1;%b\r\n%c\r\n" % (b"x" * 3_000_000, sign) for sign in b"importcontent=a") + b"0\r\n\r\n"
    )
    more = {"Transfer-Encoding": "chunked"}
    answer = gates("phplist").ask("POST", "/lists/admin/?page=list", body, more=more)
    assert (answer.button, answer.asked) == (True, False)


@pytest.mark.parametrize(("software", "link", "body", "kind"), HARMLESS)
def test_other_forms_need_no_declaration(
    gates: Gates, software: str, link: str, body: bytes, kind: str
) -> None:
    answer = gates(software).ask("POST", link, body, kind=kind)
    assert (answer.params["REQUEST_METHOD"], answer.body.encode()) == ("POST", body[: fastcgi.SHOWN])


def test_an_import_stands_beside_its_declaration(gates: Gates) -> None:
    for gate, page, form, said in (
        (gates("phplist"), "/lists/admin/?page=importsimple", b"importcontent=x", "?page=importsimple"),
        (gates("sympa"), "/sympa/import/news", b"action_import=x&list=news&website=", "?list=news"),
    ):
        source, to = gate.a_source(), "/sympa" if gate.software == "sympa" else page
        gate.ask("POST", f"/declare{page}", b"", source=source)
        gate.ask("POST", to, form, source=source, more=DECLARED)
        declared, imported = gate.declarations(source, 2)
        assert re.fullmatch(rf"[\dT:+-]+ {source} {SITE} declared {re.escape(page)}", declared)
        assert imported.endswith(f" {source} {SITE} imported {to.partition('?')[0]}{said} 200")


@pytest.mark.parametrize(
    "to", ["//e.example/", "https://e.example/", "sympa/x%0D%0AX:y", "lists/admin/?page=//e.example", "?//e"]
)
@SOFTWARE
def test_a_declaration_leads_to_this_site_alone(gates: Gates, software: str, to: str) -> None:
    for method in ("GET", "POST"):
        answer = gates(software).ask(method, f"/declare/{to}", b"" if method == "POST" else None)
        assert answer.status == 303
        assert answer.headers["Location"] in {"/sympa", "/sympa/x", "/lists/admin/?page=import"}
        assert "X" not in answer.headers
        assert ("Set-Cookie" in answer.headers) == (method == "POST")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_declares(gates: Gates, site: str) -> None:
    answer = gates("sympa").ask("POST", "/declare/sympa", b"", more={"Sec-Fetch-Site": site})
    assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)


def test_one_address_declares_only_so_often(gates: Gates) -> None:
    gate = gates("sympa")
    source = gate.a_source()
    statuses = [gate.ask("POST", "/declare/sympa", b"", source=source).status for _ in range(25)]
    assert (statuses[:10], statuses[20:]) == ([303] * 10, [429] * 5)
    assert len(gate.declarations(source, statuses.count(303))) == statuses.count(303)


def _send(gate: Gate, body: bytes, kind: str) -> Answer:
    return gate.ask("POST", FORMS[gate.software], body, kind=kind or FORM)
