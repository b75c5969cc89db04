"""Use a list server as its readers, their mail providers and scanners of links will, and see what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from provisioner.core import dem_check as judge
from provisioner.core import dem_replies, web_forms
from provisioner.core.checks.one_click import POST_BODY, LinkAnswer
from provisioner.core.dem_check import Mail, Readers
from provisioner.core.findings import Finding, Status
from provisioner.core.suppression import Reason
from provisioner.core.world import Behaviour
from provisioner.workflows.dem_opt_in import opt_in
from provisioner.workflows.dem_ports import Stored
from provisioner.workflows.dem_run import LIST, Run, Subject, Tools

DECLARATION = "Addresses of a test that provisioner dem check makes up; nobody reads them"


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


def check(tools: Tools, subject: Subject) -> tuple[Finding, ...]:
    """Everything that can be seen of a list server from outside. The readers of its own list stay."""
    run = Run(tools, subject)
    run.found.append(judge.site(subject.server, tools.web.ask("GET", subject.server.url)))
    if LIST not in {each["name"] for each in tools.talk.ask("lists")}:
        question = {"name": LIST, "subject": "Test by provisioner", "language": "en"}
        tools.talk.ask("list-create", question=question)
    person = subject.address or subject.at(f"anna.{subject.run}")
    tools.say(f"{person} subscribes")
    run.found += opt_in(run, person)
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
        if subject.server.discussions:
            _offered(run)
    else:
        _alone(run, person)
        _leave(run, (person,))
    return tuple(run.found)


def _offered(run: Run) -> None:
    """Offer a stranger's mail to what members write to, and to what nobody may."""
    tools, domain = run.tools, run.subject.server.domain
    server, now = next(iter(run.subject.trusted), domain), datetime.fromtimestamp(run.tools.now(), UTC)

    def answers(names: Sequence[str]) -> dict[str, str]:
        to = [f"{name}@{domain}" for name in names]
        return {each: tools.world.offer(each, dem_replies.stranger(each, server, now)) for each in to}

    open_lists = [str(each["name"]) for each in tools.talk.ask("lists") if each.get("discussion")]
    lists, others = answers(open_lists), answers((LIST, f"nobody-{run.subject.run}"))
    run.found.append(judge.posts(run.subject.server, lists, others))


def _leave(run: Run, addresses: Sequence[str]) -> None:
    for address in sorted(set(addresses) & run.readers().keys()):
        question = {"list": LIST, "email": address, "reason": "end of a test"}
        run.tools.talk.ask("unsubscribe", question=question)


def _campaign(run: Run, person: str, cast: Cast) -> None:
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


def _alone(run: Run, person: str) -> None:
    """A campaign that only one mailbox gets, at a server that is not ours to command."""
    if person not in judge.subscribed(run.readers()):
        return
    mails = _sent(run, bool, person)
    run.found += judge.letters(run.subject.server, run.subject.bounce_domain, mails)
    _scanned(run, mails, None)
    _clicked(run, mails, person)


def _sent(run: Run, complete: Callable[[list[Stored]], bool], only: str = "") -> list[Mail]:
    """Send a campaign, and what of it has arrived once that is complete."""
    begun, title = run.tools.now(), f"Test {run.subject.run}"
    url = run.subject.server.url
    text = f"A test. {url}\n"
    html = f'<html><body><p>A test. <a href="{url}">The site</a></p></body></html>'
    question = {"list": LIST, "subject": title, "text": text, "html": html}
    run.tools.talk.ask("send", question=question)
    came = run.until(lambda: run.arrived(begun, title), complete)
    return [run.mail(each) for each in came if not only or each.recipient.lower() == only]


def _scanned(run: Run, mails: Sequence[Mail], cast: Cast | None) -> None:
    """Ask every link of every mail; whose server refused the campaign may leave the list meanwhile."""
    failing = {cast.rejecting, cast.full} if cast else set()

    def steady() -> Readers:
        return {address: each for address, each in run.readers().items() if address not in failing}

    run.tools.say(f"A scanner asks every link of {len(mails):,} mails")
    before = steady()
    asked, answered = run.scan(mails)
    run.found.append(judge.scanner(run.subject.server, len(mails), asked, answered, before, steady()))


def _clicked(run: Run, mails: Sequence[Mail], address: str) -> None:
    link = next((web_forms.one_click(mail.raw) for mail in mails if mail.recipient == address), "")
    answer = run.tools.web.ask("POST", link, POST_BODY) if link else LinkAnswer(0, error="no one-click link")
    after = run.until(run.readers, lambda seen: address not in judge.subscribed(seen))
    run.found.append(judge.one_click(address, answer, after))


def _answered(run: Run, mails: Sequence[Mail], cast: Cast) -> None:
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
