"""Use a list server as its readers, their mail providers and scanners of links will, and see what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urljoin

from provisioner.core import dem_check as judge
from provisioner.core import dem_replies, proof, web_forms
from provisioner.core.checks.one_click import POST_BODY, LinkAnswer
from provisioner.core.dem import DemServer, Software
from provisioner.core.dem_check import Mail, Reader, Readers
from provisioner.core.findings import Finding, Status
from provisioner.core.suppression import Reason
from provisioner.core.world import Behaviour
from provisioner.workflows.dem_ports import Shown, Stored, Suppressed, Talk, Web, World

LIST = "provisioner-check"
"""The list that a check uses; its readers are nobody's."""

FORM_PATHS: Mapping[Software, Sequence[str]] = {
    Software.SYMPA: (f"sympa/subscribe/{LIST}", f"wws/subscribe/{LIST}", f"subscribe/{LIST}"),
    Software.PHPLIST: ("lists/?p=subscribe", "?p=subscribe"),
}
"""Where the form to subscribe is, below the site."""

DECLARATION = "Addresses of a test that provisioner dem check makes up; nobody reads them"
SCANNERS = 16
"""Requests of a scanner at a time."""

POLL = 1.0
_CLICKS = 3
"""Pages that may ask again before something is done."""

T = TypeVar("T")


@dataclass(frozen=True)
class Tools:
    """What a check works with. now: seconds since 1970; sleep: lets seconds pass."""

    talk: Talk
    web: Web
    world: World
    suppressed: Suppressed
    now: Callable[[], float]
    sleep: Callable[[float], None]
    say: Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """What is checked: the server, with what the fleet says of it.

    run: a word that no other run has. readers: made up, in `domains`; 0: `address` alone, at a world that
    does as it likes. trusted: authserv-ids whose results count, empty: the topmost's. per_minute: what the
    plan allows. patience: seconds for what takes time to come about.
    """

    server: DemServer
    bounce_domain: str
    run: str
    domains: Sequence[str]
    readers: int = 1_000
    address: str = ""
    trusted: Sequence[str] = ()
    per_minute: int | None = None
    patience: float = 120.0

    def at(self, user: str, number: int = 0) -> str:
        """A made-up address."""
        return f"{user}@{self.domains[number % len(self.domains)]}"


@dataclass(frozen=True)
class Cast:
    """Who takes part in a campaign besides the readers."""

    clicker: str
    rejecting: str
    full: str
    later: str
    complainer: str

    @property
    def all(self) -> tuple[str, ...]:
        """Their addresses."""
        return (self.clicker, self.rejecting, self.full, self.later, self.complainer)

    @property
    def receiving(self) -> tuple[str, ...]:
        """Those whose servers take mail."""
        return (self.clicker, self.later, self.complainer)


@dataclass
class _Run:
    """One check under way."""

    tools: Tools
    subject: Subject
    found: list[Finding] = field(default_factory=list)

    def readers(self) -> Readers:
        said = self.tools.talk.ask("subscribers", LIST)
        return {
            each["email"].lower(): Reader(bool(each["confirmed"]), int(each.get("bounces", 0)))
            for each in said
        }

    def until(self, look: Callable[[], T], good: Callable[[T], bool]) -> T:
        """What is seen once it is good, or else when the patience ends."""
        deadline = self.tools.now() + self.subject.patience
        while True:
            seen = look()
            if good(seen) or self.tools.now() >= deadline:
                return seen
            self.tools.sleep(POLL)

    def arrived(self, since: float, word: str = "") -> list[Stored]:
        """What has arrived since, with a word in its header."""
        wanted = word.encode()
        return [each for each in self.tools.world.received(since) if wanted in _head(each.raw)]

    def mail(self, stored: Stored) -> Mail:
        """What a message proves."""
        trusted = self.subject.trusted or proof.authorities(stored.raw)[:1]
        read = proof.read(stored.raw, stored.recipient, trusted)
        at = read.hops[-1].at if read.hops else None
        moment = at.timestamp() if at else self.tools.now()
        return Mail(stored.recipient.lower(), read, stored.raw, moment)

    def scan(self, mails: Sequence[Mail]) -> int:
        """Ask every link of every mail as scanners do; how many requests that were."""
        wanted = [
            (method, link)
            for mail in mails
            for link in web_forms.links(mail.raw)
            if self.tools.web.is_ours(link)
            for method in ("HEAD", "GET")
        ]
        with ThreadPoolExecutor(SCANNERS) as pool:
            list(pool.map(lambda each: self.tools.web.ask(*each), wanted))
        return len(wanted)


def _head(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]


def check(tools: Tools, subject: Subject) -> tuple[Finding, ...]:
    """Everything that can be seen of a list server from outside. The readers of its own list stay."""
    run = _Run(tools, subject)
    run.found.append(judge.site(subject.server, tools.web.ask("GET", subject.server.url)))
    if LIST not in {each["name"] for each in tools.talk.ask("lists")}:
        question = {"name": LIST, "subject": "Test by provisioner", "language": "en"}
        tools.talk.ask("list-create", question=question)
    person = subject.address or subject.at(f"anna.{subject.run}")
    tools.say(f"{person} subscribes")
    run.found += _opt_in(run, person)
    if subject.readers:
        cast = Cast(
            *(
                subject.at(f"{role}.{subject.run}", place)
                for place, role in enumerate(("clicker", "rejecting", "full", "later", "complainer"))
            )
        )
        try:
            _campaign(run, person, cast)
        finally:
            tools.world.behave_normally(cast.rejecting, cast.full)
            tools.suppressed.remove(cast.all)
            _leave(run, (person, *cast.all))
    else:
        _alone(run, person)
        _leave(run, (person,))
    return tuple(run.found)


def _leave(run: _Run, addresses: Sequence[str]) -> None:
    for address in sorted(set(addresses) & run.readers().keys()):
        question = {"list": LIST, "email": address, "reason": "end of a test"}
        run.tools.talk.ask("unsubscribe", question=question)


def _opt_in(run: _Run, person: str) -> list[Finding]:
    """Subscribe as a person does, while a scanner asks every link of the mail first."""
    begun = run.tools.now()
    server = run.subject.server
    wrong = _fill_in(run, person)
    if wrong:
        return judge.opt_in(server, person, wrong, {}, {}, {})
    before = run.readers()
    came = run.until(lambda: [each for each in run.arrived(begun) if each.recipient.lower() == person], bool)
    if not came:
        return judge.opt_in(server, person, "no confirmation mail came", before, {}, {})
    mails = [run.mail(each) for each in came]
    asked = run.scan(mails)
    scanned = run.readers()
    wrong = "" if asked else "the confirmation mail has no link to the site"
    for link in _confirming(run, mails[0]):
        _press(run, link)
        if person in judge.subscribed(run.readers()):
            break
    return judge.opt_in(server, person, wrong, before, scanned, run.readers())


def _fill_in(run: _Run, person: str) -> str:
    """Send the site's own form; what was wrong, empty when nothing was."""
    web, url = run.tools.web, run.subject.server.url
    for path in FORM_PATHS[run.subject.server.software]:
        page = web.browse("GET", url + path)
        filled = web_forms.subscription(web_forms.forms(page.text), person, LIST)
        if page.status != 200 or filled is None:
            continue
        form, fields = filled
        page = web.browse(form.method, urljoin(page.url, form.action), fields)
        return _go_on(run, page)
    return f"no form to subscribe at {url}{FORM_PATHS[run.subject.server.software][0]}"


def _go_on(run: _Run, page: Shown) -> str:
    """Press whatever button only asks to go on, as often as one comes."""
    for _ in range(_CLICKS):
        if page.status >= 400 or not page.status:
            return f"{page.url} answers {page.status or page.text}"
        asks = web_forms.confirmation(web_forms.forms(page.text))
        if asks is None:
            break
        form, fields = asks
        page = run.tools.web.browse(form.method, urljoin(page.url, form.action), fields)
    return ""


def _confirming(run: _Run, mail: Mail) -> list[str]:
    """The links of a confirmation mail that may be the one, likely ones first."""
    links = [link for link in web_forms.links(mail.raw) if run.tools.web.is_ours(link)]
    return sorted(links, key=lambda link: not any(word in link for word in ("confirm", "auth")))


def _press(run: _Run, link: str) -> None:
    _go_on(run, run.tools.web.browse("GET", link))


def _campaign(run: _Run, person: str, cast: Cast) -> None:
    subject, tools, server = run.subject, run.tools, run.subject.server
    crowd = [subject.at(f"reader{number}", number) for number in range(subject.readers)]
    tools.world.behave(cast.rejecting, Behaviour.REJECT)
    tools.world.behave(cast.full, Behaviour.FULL)
    everyone = [*crowd, *cast.all]
    tools.talk.ask("subscribe", question={"list": LIST, "emails": everyone, "declaration": DECLARATION})
    there = judge.subscribed(run.readers())
    expected = there - {cast.rejecting, cast.full}
    tools.say(f"A campaign for {len(there):,} readers")
    mails = _sent(run, lambda came: expected <= {each.recipient.lower() for each in came})
    run.found += judge.delivery(expected, mails)
    run.found += judge.letters(server, subject.bounce_domain, mails)
    run.found.append(judge.pacing(server, mails, subject.per_minute))
    _scanned(run, mails, cast)
    _clicked(run, mails, cast.clicker)
    _answered(run, mails, cast)
    stay = (there & {person, *crowd}) | {cast.full}
    run.found.append(judge.remaining(stay, (cast.clicker, cast.complainer), run.readers()))


def _alone(run: _Run, person: str) -> None:
    """A campaign that only one mailbox gets, at a server that is not ours to command."""
    if person not in judge.subscribed(run.readers()):
        return
    mails = _sent(run, bool, person)
    run.found += judge.letters(run.subject.server, run.subject.bounce_domain, mails)
    _scanned(run, mails, None)
    _clicked(run, mails, person)


def _sent(run: _Run, complete: Callable[[list[Stored]], bool], only: str = "") -> list[Mail]:
    """Send a campaign, and what of it has arrived once that is complete."""
    begun, title = run.tools.now(), f"Test {run.subject.run}"
    url = run.subject.server.url
    text = f"A test. {url}\n"
    html = f'<html><body><p>A test. <a href="{url}">The site</a></p></body></html>'
    question = {"list": LIST, "subject": title, "text": text, "html": html}
    run.tools.talk.ask("send", question=question)
    came = run.until(lambda: run.arrived(begun, title), complete)
    return [run.mail(each) for each in came if not only or each.recipient.lower() == only]


def _scanned(run: _Run, mails: Sequence[Mail], cast: Cast | None) -> None:
    """Ask every link of every mail; whose server refused the campaign may leave the list meanwhile."""
    failing = {cast.rejecting, cast.full} if cast else set()

    def steady() -> Readers:
        return {address: each for address, each in run.readers().items() if address not in failing}

    run.tools.say(f"A scanner asks every link of {len(mails):,} mails")
    before = steady()
    asked = run.scan(mails)
    run.found.append(judge.scanner(run.subject.server, len(mails), asked, before, steady()))


def _clicked(run: _Run, mails: Sequence[Mail], address: str) -> None:
    link = next((web_forms.one_click(mail.raw) for mail in mails if mail.recipient == address), "")
    answer = run.tools.web.ask("POST", link, POST_BODY) if link else LinkAnswer(0, error="no one-click link")
    after = run.until(run.readers, lambda seen: address not in judge.subscribed(seen))
    run.found.append(judge.one_click(address, answer, after))


def _answered(run: _Run, mails: Sequence[Mail], cast: Cast) -> None:
    """Have a server return what it took, and a reader complain; then see what became of all who failed."""
    tools, now = run.tools, datetime.fromtimestamp(run.tools.now(), UTC)
    reporter = next(iter(run.subject.trusted), run.subject.domains[0])
    tools.say("A server returns a mail that it took, a reader complains")
    for address, made in ((cast.later, dem_replies.failure), (cast.complainer, dem_replies.complaint)):
        for mail in [mail for mail in mails if mail.recipient == address][:1]:
            tools.world.reply(dem_replies.return_path(mail.raw), made(mail.raw, address, reporter, now))

    def look() -> tuple[Mapping[str, Reason], Readers]:
        return tools.suppressed.entries(), run.readers()

    def settled(seen: tuple[Mapping[str, Reason], Readers]) -> bool:
        return all(each.status is Status.PASS for each in _outcomes(cast, *seen))

    run.found += _outcomes(cast, *run.until(look, settled))


def _outcomes(cast: Cast, suppressed: Mapping[str, Reason], readers: Readers) -> list[Finding]:
    return [
        judge.bounce("bounce-rejected", cast.rejecting, suppressed, readers, gone=True),
        judge.bounce("bounce-full", cast.full, suppressed, readers, gone=False),
        judge.bounce("bounce-later", cast.later, suppressed, readers, gone=True),
        judge.complaint(cast.complainer, suppressed, readers),
    ]
