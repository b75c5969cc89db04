"""Names that customer files lay claim to: each is one customer's, and none is the fleet's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from provisioner.core import names
from provisioner.core.customers import Customer
from provisioner.core.documents import Document, KeyPath, Problem
from provisioner.core.fleet import FleetSettings, Host


class _Claim(NamedTuple):
    """A name that a customer file lays claim to, and where."""

    name: str
    file: str
    path: KeyPath


def _claims(document: Document, customer: Customer | None) -> tuple[list[_Claim], list[_Claim]]:
    """The valid domains and logins of a customer file, even when other things in it are wrong."""
    file = document.file
    if customer is not None:
        return (
            [_Claim(domain, file, ("domains", index)) for index, domain in enumerate(customer.domains)],
            [
                _Claim(account.login, file, ("accounts", index, "login"))
                for index, account in enumerate(customer.accounts)
            ],
        )
    data = document.data if isinstance(document.data, Mapping) else {}
    domains: list[_Claim] = []
    given = data.get("domains")
    for index, value in enumerate(given if isinstance(given, list) else ()):
        try:
            domains.append(_Claim(names.domain(value), file, ("domains", index)))
        except (ValueError, AttributeError):
            continue  # told by the model
    logins: list[_Claim] = []
    accounts = data.get("accounts")
    for index, account in enumerate(accounts if isinstance(accounts, list) else ()):
        if isinstance(account, Mapping) and isinstance(account.get("login"), str):
            logins.append(_Claim(account["login"], file, ("accounts", index, "login")))
    return domains, logins


def rules(
    documents: tuple[Document, ...],
    customers: Mapping[str, Customer],
    settings: FleetSettings | None,
    hosts: tuple[Host, ...],
) -> Iterator[Problem]:
    """No domain and no login twice, and none of the fleet's own names: its mail must not be anyone else's.

    documents: the customer files; customers: by file, those in which nothing is wrong.
    """
    domains: dict[str, str] = {}
    logins: dict[str, str] = {}
    own = own_names(settings, hosts) if settings is not None else set()
    for document in documents:
        its_domains, its_logins = _claims(document, customers.get(document.file))
        yield from _twice("domain", its_domains, domains)
        yield from _twice("login", its_logins, logins)
        for claim in its_domains:
            if claim.name in own:
                yield Problem(claim.file, claim.path, f"domain {claim.name!r} is a name of the fleet itself")


def own_names(settings: FleetSettings, hosts: Sequence[Host]) -> set[str]:
    """The fleet's own names, which no customer may send as."""
    return {settings.submission_name, settings.bounce_domain, settings.dkim_zone} | {
        f"{host.name}.{settings.domain}" for host in hosts
    }


def _twice(kind: str, claims: list[_Claim], seen: dict[str, str]) -> Iterator[Problem]:
    for claim in claims:
        if claim.name not in seen:
            seen[claim.name] = claim.file
        elif seen[claim.name] == claim.file:
            yield Problem(claim.file, claim.path, f"{kind} {claim.name!r} appears twice")
        else:
            yield Problem(
                claim.file, claim.path, f"{kind} {claim.name!r} is claimed by {seen[claim.name]} already"
            )
