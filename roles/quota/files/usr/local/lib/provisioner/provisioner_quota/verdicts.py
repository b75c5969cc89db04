"""What is answered, in words that a customer's programs log and a person understands.

Codes are RFC 5321 4.2 and RFC 3463; what the wall clock will mend is 4xx unless the plan says to reject.
"""

from __future__ import annotations

import time

from provisioner_store.suppressions import Entry

from provisioner_quota.accounts import Account
from provisioner_quota.outcomes import COUNTED
from provisioner_quota.policy import Request
from provisioner_quota.windows import clock, windows

OK, DAY, HOUR, MINUTE, CONNECTIONS = range(5)
"""What the counters say: it fits, or which limit is reached."""

UNKNOWN = "451 4.3.0 the counters do not answer; try again in a minute"
NO_ACCOUNT = "554 5.7.1 this account is not known any more"


def local(request: Request, account: Account, now: float, contact: str) -> str | None:
    """What can be refused without counting: suspended, from elsewhere, more than ever fits, too large."""
    if account.suspended is not None:
        return f"554 5.7.1 sending is suspended: {account.suspended}; contact {contact}"
    if not account.admits(request.client):
        return f"554 5.7.1 this account may not be used from {request.client}"
    most = account.limit("recipients_per_message", now)
    if most is not None and request.recipients > most:
        return f"554 5.5.3 {request.recipients} recipients; the plan allows {most} a message"
    for name, each in (("recipients_per_day", "a day"), ("recipients_per_hour", "an hour")):
        most = account.limit(name, now)
        if most is not None and request.recipients > most:  # it would not fit tomorrow either
            return f"554 5.5.3 {request.recipients} recipients in one message; the plan allows {most} {each}"
    largest = account.limit("message_size", now)
    if largest is not None and request.size > largest:
        return f"552 5.3.4 {request.size} bytes; the plan allows {largest} a message"
    return None


def suppressed(recipient: str, customer: str, entry: Entry) -> str:
    """The refusal of a recipient on the customer's suppression list, which says why and since when."""
    since = time.strftime("%Y-%m-%d", time.gmtime(entry.at))
    # A note may hold what another server said; an answer is ASCII (RFC 5321 4.2).
    note = "".join(sign if " " <= sign <= "~" else "?" for sign in entry.note)
    why = f"{entry.reason} on {since}" + (f", {note}" if note else "")
    return f"550 5.7.1 <{recipient}> is on the suppression list of {customer}: {why}"


def passes(instance: str) -> str:
    """The action for a message that was counted: Postfix notes its instance in its log (`outcomes`)."""
    return f"INFO {COUNTED} {instance}"


def counted(
    verdict: int, account: Account, request: Request, used: tuple[int, int], now: float
) -> str | None:
    """What the counters' verdict means for this message. used: recipients counted today and in this hour."""
    if verdict == OK:
        return None
    code = "554 5.7.1" if account.rejects else "450 4.7.1"
    if verdict == MINUTE:
        most = account.limit("messages_per_minute", now)
        return f"{code} more than {most} messages in a minute; go on in {60 - int(now) % 60} seconds"
    if verdict == CONNECTIONS:
        return f"{code} more than {account.limit('connections', now)} connections at once; close one"
    found = windows(now, account.zone)
    name, taken, ends = (
        ("day", used[0], found.day_ends) if verdict == DAY else ("hour", used[1], found.hour_ends)
    )
    most = account.limit(f"recipients_per_{name}", now) or 0
    what = f"{taken} of {most} recipients of this {name} are used, {request.recipients} more do not fit"
    return f"{code} {what}; it opens again at {clock(ends, account.zone)}"
