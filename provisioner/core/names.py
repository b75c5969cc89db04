"""Domain names, e-mail addresses, logins: what is valid, and the one form in which each is kept.

Everything here takes what a person typed and returns the canonical text, or raises `ValueError` with a
sentence that names what is wrong. Internationalised domains become A-labels (RFC 5890, IDNA 2008).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import idna
from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_LDH_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# Most names are canonical as they stand: no label with punycode, the last one with a letter first.
_PLAIN = re.compile(r"((?!xn--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?!xn--)[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_DNS_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# RFC 5321 4.1.2, Dot-string only: quoted local parts are legal, but every tool mishandles them.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,79}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def _dns_name(value: str, label: re.Pattern[str]) -> str:
    if len(value) <= 253 and _PLAIN.fullmatch(value):
        return value
    text = value.strip().removesuffix(".")
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(f"{value!r} is not a valid internationalised domain name: {error}") from error
    text = text.lower()
    labels = text.split(".")
    if len(text) > 253 or len(labels) < 2 or not all(label.fullmatch(part) for part in labels):
        raise ValueError(f"{value!r} is not a domain name")
    if labels[-1].isdigit():
        raise ValueError(f"{value!r} is an address, not a domain name")
    for part in labels:
        if part.startswith("xn--"):
            try:
                idna.decode(part)
            except idna.IDNAError as error:
                raise ValueError(f"{value!r} has an invalid internationalised label: {error}") from error
    return text


def domain(value: str) -> str:
    """The canonical form of a mail domain or host name: A-labels, lower case, no final dot.

    Needs at least two labels of letters, digits and hyphens (RFC 1123 2.1). Raises ValueError.
    """
    return _dns_name(value, _LDH_LABEL)


def dns_name(value: str) -> str:
    """As `domain`, for names that may have underscores (`_spf.example.net`, RFC 8552). Raises ValueError."""
    return _dns_name(value, _DNS_LABEL)


def email(value: str) -> str:
    """The canonical form of a mailbox `local@domain`: the domain canonical, the local part as it came.

    RFC 5321 4.1.2 with dot-strings only, 4.5.3.1 for lengths. Raises ValueError.
    """
    local, at, host = value.strip().rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or len(local) > 64:
        raise ValueError(f"{value!r} is not an e-mail address")
    try:
        host = domain(host)
    except ValueError as error:
        raise ValueError(f"{value!r} is not an e-mail address: {error}") from error
    if len(local) + 1 + len(host) > 254:
        raise ValueError(f"{value!r} is longer than the 254 characters of an e-mail address")
    return f"{local}@{host}"


def login(value: str) -> str:
    """An account's login name as it stands. Raises ValueError."""
    if not _LOGIN.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a login: 2 to 80 of a-z, 0-9, dot, underscore, hyphen, a letter or digit first"
        )
    return value


def slug(value: str) -> str:
    """A customer's or fleet's short name, fit for a file name. Raises ValueError."""
    if not _SLUG.fullmatch(value):
        raise ValueError(f"{value!r} is not a name: up to 63 of a-z, 0-9 and hyphen, a letter or digit first")
    return value


def is_within(name: str, parent: str) -> bool:
    """Whether `name` is `parent` or below it; both canonical."""
    return name == parent or name.endswith("." + parent)


def duration(value: object) -> timedelta:
    """A length of time as Postfix writes them: 30s, 15m, 4h, 5d, 2w. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not a length of time such as 30s, 15m, 4h, 5d or 2w")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def duration_text(value: timedelta | None) -> str | None:
    """A length of time as `duration` reads it, in the largest unit that it is a whole number of."""
    if value is None:
        return None
    seconds = int(value.total_seconds())
    unit = next(name for name, size in reversed(_SECONDS.items()) if seconds % size == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


Domain = Annotated[str, AfterValidator(domain)]
DnsName = Annotated[str, AfterValidator(dns_name)]
Email = Annotated[str, AfterValidator(email)]
Login = Annotated[str, AfterValidator(login)]
Slug = Annotated[str, AfterValidator(slug)]
Duration = Annotated[timedelta, BeforeValidator(duration), PlainSerializer(duration_text)]
