"""Return paths, and what a failed delivery says of the mailbox. Pure; backends get this very file.

A return path names who sent, for which list, and whom the mail was for (VERP):
`<account>.<list>.<tag>+<user>=<domain>@<bounce domain>`, without `+…` for mail to several at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

HEADER = "X-Provisioner-Bounce"
"""What a bounce service says of a message that it passes on."""

LOCAL_PART_LIMIT = 320
"""Characters before the @: VERP outgrows the 64 of RFC 5321 4.5.3.1.1 with ordinary addresses."""

_RETURN_PATH = re.compile(
    r"(?P<account>[a-z0-9][a-z0-9._-]*)\.(?P<list>[a-z0-9_-]+)\.(?P<tag>[0-9a-f]{8})"
    r"(?:\+(?P<user>[a-z0-9!#$%&'*+/=?^_`{|}~.-]+)=(?P<domain>[a-z0-9-]+(?:\.[a-z0-9-]+)+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ReturnPath:
    """A return path taken apart. recipient: whom the mail was for, None where the address does not say."""

    account: str
    list: str
    tag: str
    recipient: str | None = None


def return_path(address: str, bounce_domain: str) -> ReturnPath:
    """Take apart the address that a bounce came to. Raises ValueError for one that is no return path.

    An account may have dots, so the list and the tag are the last two parts before the first plus sign. The
    recipient may have plus and equals signs before its @, its domain can't: the last equals sign stands for
    the @. Servers on the way may have changed the case; of the recipient's local part it is kept.
    """
    local, _, domain = address.rpartition("@")
    found = _RETURN_PATH.fullmatch(local) if len(local) <= LOCAL_PART_LIMIT else None
    if found is None or domain.lower() != bounce_domain:
        raise ValueError(f"{address!r} is no return path")
    recipient = f"{found['user']}@{found['domain'].lower()}" if found["user"] else None
    return ReturnPath(found["account"].lower(), found["list"].lower(), found["tag"].lower(), recipient)


class Kind(StrEnum):
    """What a message to a return path is.

    hard: no such mailbox, for good. full, blocked (we are not wanted there), soft (anything else that kept
    the mail from its reader): it may go next time. autoreply: a machine's answer that tells of no failure,
    or of a delay. complaint: the reader called it spam.
    """

    HARD = "hard"
    FULL = "full"
    BLOCKED = "blocked"
    SOFT = "soft"
    AUTOREPLY = "autoreply"
    COMPLAINT = "complaint"
    UNIDENTIFIED = "unidentified"


_GONE = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
"""No such mailbox or domain, moved away, null MX (RFC 7505), switched off (RFC 3463 3.2, RFC 5248)."""

_SAYS: dict[Kind, re.Pattern[str]] = {
    kind: re.compile(words, re.IGNORECASE)
    for kind, words in {
        Kind.FULL: r"over ?quota|disk quota|quota (exceeded|violation)|exceed\w* [\w ]{0,40}quota"
        r"|(mail ?)?box (is )?full|storage|insufficient space",
        Kind.HARD: r"(user|recipient|addressee|mailbox|address|account)( is)? (unknown|not (known|found)"
        r"|does(n't| not) exist|disabled|inactive|unavailable)|unknown (user|recipient|mailbox)"
        r"|no such (user|recipient|mailbox|person)|no mailbox here"
        r"|does(n't| not) (exist|have an? [\w. ]*account)|invalid recipient|host or domain name not found",
        Kind.BLOCKED: r"spam|block(ed|list)|black ?list|reputation|unsolicited|denied by|policy|dmarc|\bspf\b"
        r"|dkim|rate limit|banned|listed",
    }.items()
}


def classify(dsn: str, said: str) -> Kind:
    """The kind of a failure, by RFC 3463's code and by what the server said where that tells more.

    Some name a mailbox that is gone under 5.7.1 or 5.0.0, and a full one under 5.1.1. What was called
    temporary to the end (4.x.x) is never hard.
    """
    if _SAYS[Kind.FULL].search(said) or dsn.endswith(".2.2"):
        return Kind.FULL
    if dsn in _GONE:
        return Kind.HARD
    policy, temporary = dsn.split(".")[1:2] == ["7"], dsn.startswith("4.")
    gone = not temporary and _SAYS[Kind.HARD].search(said)
    if _SAYS[Kind.BLOCKED].search(said) and not (policy and gone):
        return Kind.BLOCKED
    if gone:
        return Kind.HARD
    return Kind.BLOCKED if policy else Kind.SOFT
