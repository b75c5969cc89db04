"""Subscribe to a list as a person does, while a scanner asks every link of the mail first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urljoin

from provisioner.core import dem_check as judge
from provisioner.core import web_forms
from provisioner.core.dem import Software
from provisioner.core.dem_check import Mail
from provisioner.core.findings import Finding
from provisioner.workflows.dem_ports import Shown
from provisioner.workflows.dem_run import LIST, Run

FORM_PATHS: Mapping[Software, Sequence[str]] = {
    Software.SYMPA: (f"sympa/subscribe/{LIST}", f"wws/subscribe/{LIST}", f"subscribe/{LIST}"),
    Software.PHPLIST: ("lists/?p=subscribe", "?p=subscribe"),
}
"""Where the form to subscribe is, below the site."""

_CLICKS = 3
"""Pages that may ask again before something is done."""


def opt_in(run: Run, person: str) -> list[Finding]:
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


def _fill_in(run: Run, person: str) -> str:
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


def _go_on(run: Run, page: Shown) -> str:
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


def _confirming(run: Run, mail: Mail) -> list[str]:
    """The links of a confirmation mail that may be the one, likely ones first."""
    links = [link for link in web_forms.links(mail.raw) if run.tools.web.is_ours(link)]
    return sorted(links, key=lambda link: not any(word in link for word in ("confirm", "auth")))


def _press(run: Run, link: str) -> None:
    _go_on(run, run.tools.web.browse("GET", link))
