"""Whether a list server treats its readers as they and their mail providers ask for: the judgement. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesHeaderParser

from provisioner.core.checks.one_click import LinkAnswer, not_covered
from provisioner.core.dem import DemServer
from provisioner.core.findings import Finding, Status
from provisioner.core.proof import Hop, Proof
from provisioner.core.suppression import Reason

SHOWN = 5
"""Of many that are wrong, so many are named."""

_Wrong = Callable[["Mail"], str]
"""What is wrong with a mail, in words; empty when nothing is."""

_DEPLOY = "Run: ansible-playbook playbooks/dem.yml --limit {host}; its gate keeps scanners from acting"


@dataclass(frozen=True)
class Reader:
    """A subscriber as the list software has it."""

    confirmed: bool = True
    bounces: int = 0


Readers = Mapping[str, Reader]
"""By address, in lower case."""


@dataclass(frozen=True)
class Mail:
    """A newsletter that arrived: for whom, what it proves, its bytes, when (seconds since 1970)."""

    recipient: str
    proof: Proof
    raw: bytes
    at: float


def subscribed(readers: Readers) -> frozenset[str]:
    """Who gets newsletters."""
    return frozenset(address for address, reader in readers.items() if reader.confirmed)


def site(server: DemServer, answer: LinkAnswer) -> Finding:
    """Whether the web site answers, with a certificate that is good for its name."""
    if not answer.status:
        fix = f"Run: provisioner dem create {server.customer} --site {server.site}"
        return Finding("site", server.site, Status.FAIL, answer.error, "", fix, "a page over HTTPS")
    status = Status.PASS if answer.status < 400 else Status.FAIL
    return Finding("site", server.site, status, f"answers {answer.status}", "", "", "a page over HTTPS")


def opt_in(
    server: DemServer, address: str, form: str, before: Readers, scanned: Readers, after: Readers
) -> list[Finding]:
    """Whether somebody who subscribes is on the list once they have confirmed it themselves, not before.

    form: what was wrong with the form or the mail, empty when nothing was. before: after the form was sent;
    scanned: after scanners asked every link in the mail; after: after the button was pressed.
    """
    expected = "subscribed by the button alone"
    if form:
        return [Finding("opt-in", address, Status.FAIL, form, "", "See what the site shows", expected)]
    if address in subscribed(before):
        seen, fix = "subscribed by the form alone", "Have the list ask for confirmation (double opt-in)"
        return [Finding("opt-in", address, Status.FAIL, seen, "", fix, expected)]
    if address in subscribed(scanned):
        seen = "GET or HEAD on a link in the confirmation mail has subscribed it"
        fix = _DEPLOY.format(host=server.host)
        return [Finding("opt-in", address, Status.FAIL, seen, "", fix, expected)]
    if address not in subscribed(after):
        seen = "not subscribed after the button was pressed"
        return [Finding("opt-in", address, Status.FAIL, seen, "", "See what the site shows", expected)]
    return [Finding("opt-in", address, Status.PASS, expected)]


def scanner(
    server: DemServer, mails: int, asked: int, answered: int, before: Readers, after: Readers
) -> Finding:
    """Whether GET, HEAD and prefetching of every link of every mail have changed anybody's subscription."""
    changed = sorted(subscribed(before) ^ subscribed(after))
    what = f"{asked:,} requests for links of {mails:,} mails: GET, HEAD, prefetch"
    if not asked:
        return Finding("scanner", server.site, Status.UNKNOWN, "no mail with a link to ask came")
    if changed:
        fix = _DEPLOY.format(host=server.host)
        seen = f"{what}: {len(changed):,} subscriptions changed: {_some(changed)}"
        return Finding("scanner", server.site, Status.FAIL, seen, "", fix, "0 subscriptions changed")
    if answered < asked:
        return Finding("scanner", server.site, Status.UNKNOWN, f"{what}: {asked - answered:,} had no answer")
    return Finding("scanner", server.site, Status.PASS, f"{what}: 0 subscriptions changed")


def one_click(address: str, answer: LinkAnswer, after: Readers) -> Finding:
    """Whether RFC 8058's POST, without cookies or redirect, has unsubscribed a reader."""
    expected = "POST answers 2xx and unsubscribes"
    if not answer.status:
        return Finding("one-click", address, Status.FAIL, answer.error or "no link", "", "", expected)
    if answer.status // 100 != 2:
        seen = f"POST answers {answer.status}" + (f" to {answer.location}" if answer.location else "")
        return Finding("one-click", address, Status.FAIL, seen, "", "", expected)
    if address in subscribed(after):
        seen = f"POST answers {answer.status}, and the reader is subscribed still"
        return Finding("one-click", address, Status.FAIL, seen, "", "", expected)
    return Finding("one-click", address, Status.PASS, f"POST answers {answer.status}; unsubscribed at once")


def delivery(wanted: Iterable[str], mails: Sequence[Mail]) -> list[Finding]:
    """Whether everybody who is to get a campaign got it, once."""
    expected = frozenset(wanted)
    copies = Counter(mail.recipient for mail in mails)
    lost = sorted(expected - copies.keys())
    doubled = sorted(address for address, count in copies.items() if count > 1)
    strange = sorted(copies.keys() - expected)
    told = f"{len(expected & copies.keys()):,} of {len(expected):,} got it"
    subject = f"{len(expected):,} readers"
    found = []
    for wrong, what in ((lost, "lost"), (doubled, "doubled"), (strange, "to nobody on the list")):
        if wrong:
            seen = f"{told}, {len(wrong):,} {what}: {_some(wrong)}"
            found.append(Finding("delivery", subject, Status.FAIL, seen, "", "", "each reader once"))
    return found or [Finding("delivery", subject, Status.PASS, f"{told}, 0 lost, 0 doubled")]


def letters(server: DemServer, bounce_domain: str, mails: Sequence[Mail]) -> list[Finding]:
    """Whether every mail proves who sent it and says how to get rid of it."""
    if not mails:
        return [Finding("signature", server.domain, Status.UNKNOWN, "no mail came")]
    return [
        _all("signature", server, mails, _signature, "two signatures, RSA and Ed25519, that verify"),
        _all("spf", server, mails, lambda mail: _result("SPF", mail.proof.spf), "pass"),
        _all("dmarc", server, mails, lambda mail: _result("DMARC", mail.proof.dmarc), "pass"),
        _all("tls", server, mails, _tls, "TLS over every hop"),
        _all("headers", server, mails, lambda mail: _headers(server, mail), _HEADERS),
        _all(
            "return-path",
            server,
            mails,
            lambda mail: _return_path(server, bounce_domain, mail),
            f"{server.account}.LIST.{server.return_tag}+READER@{bounce_domain}",
        ),
    ]


_HEADERS = "From: in the domain, List-Id, List-Unsubscribe with https, One-Click, both signed"


def _all(check: str, server: DemServer, mails: Sequence[Mail], wrong: _Wrong, expected: str) -> Finding:
    faults = {mail.recipient: said for mail in mails if (said := wrong(mail))}
    if faults:
        common, count = Counter(faults.values()).most_common(1)[0]
        seen = f"{len(faults):,} of {len(mails):,} mails: {common} ({count:,}), as {_some(sorted(faults))}"
        return Finding(check, server.domain, Status.FAIL, seen, "", "", expected)
    return Finding(check, server.domain, Status.PASS, f"{len(mails):,} of {len(mails):,} mails: {expected}")


def _signature(mail: Mail) -> str:
    wrong = [
        f"{kind} {mail.proof.dkim.get(kind, 'missing')}"
        for kind in ("rsa", "ed25519")
        if mail.proof.dkim.get(kind) != "pass"
    ]
    return ", ".join(wrong)


def _result(method: str, result: str) -> str:
    return "" if result == "pass" else f"{method} {result}"


def _tls(mail: Mail) -> str:
    plain = sum(1 for version in mail.proof.tls if not version)
    # The list software's own hand-over on its host stays within it.
    local = sum(1 for hop in mail.proof.hops if not hop.tls and _is_local(hop))
    return f"{plain - local} hops without TLS" if plain > local else ""


def _is_local(hop: Hop) -> bool:
    return not hop.helo or hop.helo in {"localhost", "localhost.localdomain", hop.by}


def _headers(server: DemServer, mail: Mail) -> str:
    headers = BytesHeaderParser().parsebytes(mail.raw)
    sender = str(headers.get("From", "")).rstrip("> ").rpartition("@")[2].lower()
    if sender != server.domain:
        return f"From: is in {sender or 'no domain'}"
    if not headers.get("List-Id"):
        return "no List-Id"
    return not_covered(headers)


def _return_path(server: DemServer, bounce_domain: str, mail: Mail) -> str:
    """VERP: whose bounce it is can be read from the address alone."""
    given = str(BytesHeaderParser().parsebytes(mail.raw).get("Return-Path", "")).strip("<> ")
    user, _, domain = mail.recipient.rpartition("@")
    shape = (
        rf"{re.escape(server.account)}\.[a-z0-9_-]+\.{server.return_tag}"
        rf"\+{re.escape(user)}={re.escape(domain)}@{re.escape(bounce_domain)}"
    )
    return "" if re.fullmatch(shape, given, re.IGNORECASE) else f"return path {given or 'empty'}"


def pacing(server: DemServer, mails: Sequence[Mail], per_minute: int | None) -> Finding:
    """How fast a campaign went, and whether that is within the account's plan."""
    if not mails:
        return Finding("pacing", server.account, Status.UNKNOWN, "no mail came")
    minutes = Counter(int(mail.at) // 60 for mail in mails)
    span = max(mail.at for mail in mails) - min(mail.at for mail in mails)
    fastest = max(minutes.values())
    seen = f"{len(mails):,} mails in {span:.0f} s, at most {fastest:,} in a minute"
    if per_minute is not None and fastest > per_minute:
        expected = f"at most {per_minute:,} in a minute, as the plan says"
        return Finding("pacing", server.account, Status.FAIL, seen, "", "", expected)
    return Finding("pacing", server.account, Status.PASS, seen)


def bounce(
    check: str, address: str, suppressed: Mapping[str, Reason], after: Readers, *, gone: bool
) -> Finding:
    """What became of a mailbox that failed: one that is gone is written to no more, a full one is still."""
    reason, reader = suppressed.get(address), after.get(address)
    counted = reader is None or reader.bounces > 0
    expected = "suppressed, and counted by the list" if gone else "subscribed still, and not suppressed"
    if gone:
        ok = reason is Reason.BOUNCE and counted
    else:
        ok = reason is None and reader is not None and reader.confirmed
    seen = "; ".join(
        (
            f"suppressed for {reason.value}" if reason else "not suppressed",
            "not on the list any more" if reader is None else f"on the list with {reader.bounces} bounces",
        )
    )
    fix = "" if ok else "See the log of the bounce service on the backends"
    return Finding(check, address, Status.PASS if ok else Status.FAIL, seen, "", fix, expected)


def complaint(address: str, suppressed: Mapping[str, Reason], after: Readers) -> Finding:
    """Whether whoever complains is unsubscribed at once and written to no more."""
    there = address in subscribed(after)
    reason = suppressed.get(address)
    why = reason.value if reason else "nothing"
    seen = f"{'subscribed still' if there else 'unsubscribed'}, suppressed for {why}"
    ok = not there and reason is Reason.COMPLAINT
    fix = "" if ok else "See the log of the bounce service on the backends"
    expected = "unsubscribed, suppressed for complaint"
    return Finding("complaint", address, Status.PASS if ok else Status.FAIL, seen, "", fix, expected)


def remaining(stay: Iterable[str], gone: Iterable[str], after: Readers) -> Finding:
    """Whether all who did nothing are subscribed still, and those who left are not."""
    there, wanted, left = subscribed(after), frozenset(stay), frozenset(gone)
    lost, back = sorted(wanted - there), sorted(left & there)
    told = f"{len(wanted & there):,} of {len(wanted):,} readers subscribed still"
    if lost or back:
        parts = [f"lost: {_some(lost)}"] if lost else []
        parts += [f"not gone: {_some(back)}"] if back else []
        seen = f"{told}; {'; '.join(parts)}"
        return Finding("remaining", f"{len(wanted):,} readers", Status.FAIL, seen, "", "", "all but who left")
    return Finding("remaining", f"{len(wanted):,} readers", Status.PASS, f"{told}, {len(left)} gone")


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")


def posts(server: DemServer, lists: Mapping[str, str], others: Mapping[str, str]) -> Finding:
    """Whether the fleet takes mail for lists that members write to, and for nothing else in their domain.

    lists, others: what it answered for each address, empty where it took the mail.
    """
    closed = [f"{address} takes none: {said}" for address, said in sorted(lists.items()) if said]
    open_ones = [f"{address} takes it" for address, said in sorted(others.items()) if not said]
    wrong = [*closed, *open_ones]
    seen = "; ".join(wrong[:SHOWN]) or f"{len(lists)} of {len(lists)} take mail, what is no list does not"
    fix = f"Run: provisioner deploy, then provisioner dem create {server.customer} --site {server.site}"
    status = Status.FAIL if wrong else Status.PASS
    return Finding(
        "posts", server.domain, status, seen, "", fix if wrong else "", "mail for discussions alone"
    )
