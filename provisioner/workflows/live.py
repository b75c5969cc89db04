"""What only a conversation tells: TLS at the fleet's ports, where bounces go, one-click mail and links."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from provisioner.core import checks
from provisioner.core.checks import LinkAnswer, TlsSeen
from provisioner.core.customers import Customer
from provisioner.core.dkim import KeyState
from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Inventory
from provisioner.core.inbound_tls import POLICY_PATH, policy_host
from provisioner.core.names import domain as canonical
from provisioner.core.names import is_within
from provisioner.core.probes import ProbeAsk
from provisioner.core.reconciliation import Ledger, LoginMail
from provisioner.core.return_paths import any_path
from provisioner.workflows.ports import Prober
from provisioner.workflows.return_paths import Ask, paths_of

PORTS = (25, 465, 587)


@dataclass(frozen=True)
class Tools:
    """The adapters that talk.

    look: address, name, port. take: address and name of a server, a recipient. fetch: host, path, address.
    """

    look: Callable[[str, str, int], TlsSeen]
    take: Callable[[str, str, str], tuple[int, str]]
    probe: Prober
    senders: Callable[[], Ledger]
    ask: Ask
    link: Callable[[str], Mapping[str, LinkAnswer]]
    fetch: Callable[[str, str, str], LinkAnswer]
    now: Callable[[], datetime]


def fleet(inventory: Inventory, tools: Tools) -> tuple[Finding, ...]:
    """TLS at each port of the fleet's address, whether bounces are taken there, its MTA-STS policy.

    Bounces: to the bounce domain's postmaster, and to a return path of an account, if any has one there.
    """
    settings = inventory.settings
    address, name = str(settings.virtual_address), settings.submission_name
    now = tools.now()
    ports = [checks.check_tls(name, tools.look(address, name, port), now) for port in PORTS]
    recipients = [f"postmaster@{settings.bounce_domain}", *filter(None, [any_path(inventory)])]
    fix = "Run: provisioner deploy --limit frontends,backends"
    mailboxes = [_mailbox(each, *tools.take(address, name, each), fix) for each in recipients]
    if settings.mta_sts == "none":
        return (*ports, *mailboxes)
    host = policy_host(settings.bounce_domain)
    return (*ports, *mailboxes, checks.check_policy(host, name, tools.fetch(host, POLICY_PATH, address)))


def domains(inventory: Inventory, names: tuple[str, ...], tools: Tools) -> Mapping[str, tuple[Finding, ...]]:
    """By domain: whether each backend signs one-click headers, and the return paths used take mail."""
    asks = {ask.domain: ask for ask in _asks(inventory, names)}
    probes = tools.probe(list(asks.values()), inventory.group("backends"))
    mailboxes = _mailboxes(inventory, names, tools)
    found: dict[str, tuple[Finding, ...]] = {}
    for name in names:
        owner = inventory.owner(name)
        if name in asks:
            headers = checks.check_headers(name, [probe for probe in probes if probe.domain == name])
        else:
            headers = [checks.not_probed(name, sends=owner is not None and bool(owner.logins_for(name)))]
        found[name] = (*headers, *mailboxes[name])
    return found


def return_paths(inventory: Inventory, names: tuple[str, ...], tools: Tools) -> Mapping[str, Collection[str]]:
    """By domain, in which domains the accounts that may send in it had return paths; {}: nobody can tell."""
    try:
        ledger = tools.senders()
    except HostsFailed:
        return {}
    owners = {name: inventory.owner(name) for name in names}
    logins = {name: owner.logins_for(name) if owner else () for name, owner in owners.items()}
    return {name: _used(ledger[login] for login in logins[name] if login in ledger) for name in names}


def _used(mail: Iterable[LoginMail]) -> frozenset[str]:
    senders = (sender for each in mail for sender in each.senders)
    return frozenset(sender.rpartition("@")[2].lower() for sender in senders if "@" in sender)


def read_once(read: Callable[[], Ledger]) -> Callable[[], Ledger]:
    """What asks backends but once, and says the same again, that they can't tell too."""
    said: list[Ledger | HostsFailed] = []

    def again() -> Ledger:
        if not said:
            try:
                said.append(read())
            except HostsFailed as error:
                said.append(error)
        if isinstance(said[0], HostsFailed):
            raise said[0]
        return said[0]

    return again


def _mailboxes(
    inventory: Inventory, names: tuple[str, ...], tools: Tools
) -> Mapping[str, tuple[Finding, ...]]:
    """By domain, whether the return paths used take mail; where no backend can be asked it is not known."""
    try:
        ledger = tools.senders()
        paths = {name: _paths(inventory.owner(name), name, ledger) for name in names}
        wanted = sorted({path for some in paths.values() for path in some})
        said = tools.ask(wanted) if wanted else {}
    except HostsFailed as error:
        return {name: (_mailbox(name, 0, error.message, ""),) for name in names}
    return {name: tuple(_mailbox(path, *said[path], _ITS_OWNER) for path in paths[name]) for name in names}


def link(inventory: Inventory, domain: str, url: str, tools: Tools) -> tuple[Finding, ...]:
    """What a customer's unsubscribe link does. It is asked, and POST acts: give that of a reader made for it.

    Raises UsageError for a link that `may_be_asked` does not let pass.
    """
    may_be_asked(inventory, domain, url)
    return tuple(checks.check_link(url, tools.link(url)))


def may_be_asked(inventory: Inventory, domain: str, url: str) -> None:
    """Raises UsageError for a link that is not https, or not on a host of the domain's customer."""
    owner = inventory.owner(domain)
    try:
        parts = urlsplit(url)
        scheme, named, _ = parts.scheme, parts.hostname or "", parts.port
        host = canonical(named) if named else ""
    except ValueError as error:
        raise UsageError(f"{url} is no link: {error}") from error
    if scheme != "https" or not host:
        raise UsageError(f"{url}: receivers take https links alone (RFC 8058 3.1)")
    if owner is None or not any(is_within(host, each) for each in owner.domains):
        theirs = ", ".join(owner.domains) if owner else "none"
        raise UsageError(
            f"{host} is not a host of {domain}'s customer, so it is not asked", hint=f"It has {theirs}"
        )


_ITS_OWNER = "Have its owner make that mailbox: bounces that nobody takes cost reputation"


def _asks(inventory: Inventory, names: tuple[str, ...]) -> list[ProbeAsk]:
    found = []
    for name in names:
        owner = inventory.owner(name)
        selectors = frozenset(key.selector for key in inventory.keys_of(name) if key.state is KeyState.ACTIVE)
        if owner is not None and owner.logins_for(name) and selectors:
            found.append(ProbeAsk(name, owner.logins_for(name)[0], selectors))
    return found


def _paths(owner: Customer | None, domain: str, ledger: Ledger) -> tuple[str, ...]:
    if owner is None:
        return ()
    return tuple(path for path in paths_of(owner, ledger) if path.rpartition("@")[2] == domain)


def _mailbox(address: str, code: int, said: str, fix: str) -> Finding:
    """Whether a server takes mail for an address that bounces go to."""
    seen = f"{code} {said}".strip() if code else said
    if code // 100 == 2:
        return Finding("bounce-mailbox", address, Status.PASS, seen)
    if code // 100 == 5:
        return Finding("bounce-mailbox", address, Status.FAIL, f"refused: {seen}", "", fix)
    return Finding(
        "bounce-mailbox", address, Status.UNKNOWN, f"no answer that tells: {seen}", "", "Ask again later"
    )
