"""A small list server in this process: its web site over HTTPS, its tool, and the world it writes to."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from provisioner.core.dem import DemServer
from provisioner.core.suppression import Reason
from provisioner.core.world import Behaviour
from tests.https import served_over_tls

SITE = "news.acme.example"
SERVER = DemServer(
    host="dem1",
    customer="acme",
    site=SITE,
    domain="acme.example",
    admin="owner@acme.example",
    account="acme-dem",
    return_tag="8f3a01c2",
)
BOUNCES = "bounce.operator.example"
WORLD = "world1.operator.example"
MAIL = """\
Return-Path: <{return_path}>
Delivered-To: {to}
Authentication-Results: {world}; spf={spf} smtp.mailfrom={bounces};
 dkim={dkim} header.d=acme.example header.s=s1; dkim={dkim} header.d=acme.example header.s=e1; dmarc=pass
Received: from be1.operator.example (be1 [192.0.2.31]) (using TLSv1.3 with cipher X)
 by {world} (Postfix); {date}
Received: from fe1.operator.example (fe1) (using TLSv1.3 with cipher X)
 (Client CN "fe1.operator.example" (verified OK)) by be1.operator.example; {date}
Received: from dem1.operator.example (dem1) (using TLSv1.3 with cipher X) by fe1.operator.example; {date}
Received: by dem1.operator.example (Postfix, from userid 33); {date}
DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=s1; h=from:{covered}; b=x
DKIM-Signature: v=1; a=ed25519-sha256; d=acme.example; s=e1; h=from:{covered}; b=x
From: Acme <news@acme.example>
To: {to}
Subject: {subject}
List-Id: <news.acme.example>
{unsubscribe}Content-Type: text/html; charset=utf-8

{body}
"""


@dataclass(frozen=True)
class Stored:
    recipient: str
    raw: bytes


@dataclass
class ListServer:
    """List software, the fleet and the world in one. naive: its links act on GET, as they should not."""

    naive: bool = False
    covered: str = "list-unsubscribe:list-unsubscribe-post"
    spf: str = "pass"
    loses: str = ""
    forgives_complaints: bool = False
    readers: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    pending: dict[str, str] = field(default_factory=dict)
    stored: list[tuple[float, Stored]] = field(default_factory=list)
    on_list: dict[str, Reason] = field(default_factory=dict)
    treated: dict[str, Behaviour] = field(default_factory=dict)
    trapped: list[str] = field(default_factory=list)
    takes: set[str] = field(default_factory=set)
    clock: float = 1_900_000_000.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # The host's tool.
    def ask(self, verb: str, *arguments: str, question: Any = None) -> Any:
        with self._lock:
            return getattr(self, f"_verb_{verb.replace('-', '_')}")(*arguments, **(question or {}))

    def _verb_lists(self) -> Any:
        return [
            {"name": name, "subscribers": len(self.readers), "discussion": name == "team"}
            for name in self.lists
        ]

    def _verb_list_create(self, name: str, subject: str, language: str) -> Any:
        self.lists.add(name)
        return {"name": name}

    def _verb_subscribers(self, _name: str) -> Any:
        return [{"email": email, **facts} for email, facts in self.readers.items()]

    def _verb_subscribe(self, list: str, emails: Sequence[str], declaration: str) -> Any:  # noqa: A002
        assert declaration
        for email in emails:
            self.readers.setdefault(email, {"confirmed": True, "bounces": 0})
        return {"added": len(emails), "there": 0}

    def _verb_unsubscribe(self, list: str, email: str, reason: str) -> Any:  # noqa: A002
        return {"removed": self.readers.pop(email, None) is not None}

    def _verb_send(self, list: str, subject: str, text: str, html: str) -> Any:  # noqa: A002
        for email, facts in self.readers.items():
            if not facts["confirmed"] or email == self.loses:
                continue
            how = self.treated.get(email)
            if how in {Behaviour.REJECT, Behaviour.FULL}:
                facts["bounces"] += 1
                if how is Behaviour.REJECT:
                    self.on_list[email] = Reason.BOUNCE
                continue
            link = f"https://{SITE}/signoff/{email}"
            body = f'{html}<img src="https://elsewhere.example/x.png"><a href="{link}&amp;a=1">Leave</a>'
            self._store(email, subject, body, link)
        return {"campaign": "1"}

    def _store(self, to: str, subject: str, body: str, link: str = "") -> None:
        user, _, domain = to.rpartition("@")
        headers = f"List-Unsubscribe: <{link}>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
        raw = MAIL.format(
            return_path=f"acme-dem.provisioner-check.8f3a01c2+{user}={domain}@{BOUNCES}",
            to=to,
            world=WORLD,
            bounces=BOUNCES,
            spf=self.spf,
            dkim="pass",
            date=format_datetime(datetime.fromtimestamp(self.clock, UTC)),
            covered=self.covered,
            subject=subject,
            unsubscribe=headers if link else "",
            body=body,
        )
        self.stored.append((self.clock, Stored(to, raw.encode())))

    # The world.
    def received(self, since: float) -> Sequence[Stored]:
        return [each for at, each in self.stored if at >= since]

    def behave(self, address: str, behaviour: Behaviour) -> None:
        self.treated[address] = behaviour

    def behave_normally(self, *addresses: str) -> None:
        for address in addresses:
            self.treated.pop(address, None)

    def reply(self, to: str, raw: bytes) -> None:
        found = re.fullmatch(rf"acme-dem\.[a-z0-9_-]+\.8f3a01c2\+(.+)=(.+)@{re.escape(BOUNCES)}", to)
        assert found is not None, to
        address = f"{found[1]}@{found[2]}"
        if b"Feedback-Type: abuse" in raw:
            if not self.forgives_complaints:
                self.readers.pop(address, None)
            self.on_list[address] = Reason.COMPLAINT
        else:
            assert b"Status: 5.1.1" in raw
            self.readers.get(address, {"bounces": 0})["bounces"] += 1
            self.on_list[address] = Reason.BOUNCE

    def offer(self, to: str, raw: bytes) -> str:
        assert f"To: {to}".encode() in raw
        return "" if to.partition("@")[0] in self.takes else "550 5.1.1 unknown"

    # The suppression list.
    def entries(self) -> Mapping[str, Reason]:
        return dict(self.on_list)

    def remove(self, addresses: Sequence[str]) -> None:
        for address in addresses:
            self.on_list.pop(address, None)

    # The web site.
    def page(  # noqa: PLR0911 - one for each page
        self, method: str, path: str, form: Mapping[str, str]
    ) -> tuple[int, str]:
        with self._lock:
            verb, _, rest = path.strip("/").partition("/")
            if path == "/":
                return 200, "<h1>News</h1>"
            if verb == "sympa" and method == "GET":
                return 200, _FORM
            if verb == "sympa":
                return self._subscribe(form)
            acts = method == "POST" or self.naive
            if verb in {"auth", "signoff"} and not acts:
                return 200, f'<form method="post" action="{escape(path)}"><button>Go on</button></form>'
            if verb == "auth" and rest in self.pending:
                self.readers[self.pending[rest]]["confirmed"] = True
                return 200, "Welcome"
            if verb == "signoff":
                self.readers.pop(rest.partition("&")[0], None)
                return 200, "You left"
            return 404, "no such page"

    def _subscribe(self, form: Mapping[str, str]) -> tuple[int, str]:
        if form.get("website"):
            self.trapped.append(form["email"])
            return 403, "a bot"
        token = f"confirm{len(self.pending)}"
        self.pending[token] = form["email"]
        self.readers[form["email"]] = {"confirmed": False, "bounces": 0}
        self._store(form["email"], "Please confirm", f'<a href="https://{SITE}/auth/{token}">Yes</a>')
        return 200, "A mail is on its way"


_FORM = """
<form method="post" action="/sympa"><input type="submit" name="action_set_lang" value="Language"></form>
<form method="post" action="/sympa"><input name="email" value=""><input name="website" value="">
<input type="hidden" name="list" value="provisioner-check">
<input type="submit" name="action_subscribe" value="Go">
</form>
"""


@contextmanager
def serving(software: ListServer, folder: Path) -> Iterator[tuple[Path, int]]:
    """The web site at a port of this machine, and the file with the authority of its certificate."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # header and body in one packet

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(sent, keep_blank_values=True).items()}
            status, text = software.page(self.command, self.path, form)
            body = text.encode() if self.command != "HEAD" else b""
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815

    with served_over_tls(folder, SITE, Handler) as where:
        yield where
