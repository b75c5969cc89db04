"""What Postfix's log says of one message: where it came from, and what became of each recipient.

The lines are those of Debian 13's Postfix 3.10 with `enable_long_queue_ids = yes`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LINE = re.compile(r"^\S+ +\S+ \S+ (?P<host>\S+) (?P<service>\S+)\[(?P<pid>\d+)\]: (?P<text>.*)$")
_DELIVERY = re.compile(
    r"^(?P<id>[0-9A-Za-z]{6,20}): to=<(?P<recipient>[^>]*)>,(?: orig_to=<[^>]*>,)? relay=(?P<relay>[^,]+), "
    r"(?:conn_use=\d+, )?delay=(?P<delay>[\d.]+), delays=(?P<delays>[\d./]+), dsn=(?P<dsn>[\d.]+), "
    r"status=(?P<status>\w+) \((?P<reason>.*)\)$"
)
_TLS = re.compile(r"TLS connection (?:established|reused) to (?P<peer>\S+?): (?P<version>TLSv[\d.]+) ")
_ACCEPTED = re.compile(r"^proxy-accept: END-OF-MESSAGE: 250 [\d.]+ Ok: queued as (?P<id>[0-9A-Za-z]{6,20});")
_HANDED = re.compile(
    r"^(?P<id>[0-9A-Za-z]{6,20}): info: header Received: from \S+ \(.*?\(using (?P<version>TLSv[\d.]+) "
    r"(?:.*?\(Client CN \"(?P<client>[^\"]+)\")?"
)
_QUEUED = re.compile(r"queued as (?P<id>[0-9A-Za-z]{6,20})\b")
_NOTIFIED = re.compile(r"^(?P<id>[0-9A-Za-z]{6,20}): sender non-delivery notification: (?P<dsn>\w+)$")

FINAL = frozenset({"sent", "bounced", "expired"})
"""Delivery states after which nothing more happens to a recipient."""


@dataclass(frozen=True)
class Delivery:
    """What became of one recipient at one attempt.

    status: sent, deferred, bounced or expired; dsn: RFC 3463 code; delay: seconds since the message arrived;
    tls: protocol towards the relay, empty when the log shows none.
    """

    recipient: str
    relay: str
    status: str
    dsn: str
    delay: float
    reason: str
    tls: str = ""

    @property
    def final(self) -> bool:
        """Whether this was the last attempt."""
        return self.status in FINAL


def queue_id(reply: str) -> str | None:
    """The queue id in a server's answer to the message, None when it names none."""
    found = _QUEUED.search(reply)
    return found["id"] if found else None


def deliveries(lines: Iterable[str], wanted: str) -> dict[str, Delivery]:
    """The latest attempt for each recipient of the message `wanted`, in the log's order."""
    found: dict[str, Delivery] = {}
    tls: dict[tuple[str, str], str] = {}  # (process, peer) → protocol it last spoke there
    for line in lines:
        parts = _LINE.match(line)
        if parts is None:
            continue
        process = f"{parts['service']}/{parts['pid']}"
        if secured := _TLS.search(parts["text"]):
            tls[process, secured["peer"]] = secured["version"]
        attempt = _DELIVERY.match(parts["text"])
        if attempt is None or attempt["id"] != wanted:
            continue
        found[attempt["recipient"]] = Delivery(
            attempt["recipient"],
            attempt["relay"],
            attempt["status"],
            attempt["dsn"],
            float(attempt["delay"]),
            attempt["reason"],
            tls.get((process, attempt["relay"]), ""),
        )
    return found


def accepted(lines: Iterable[str], wanted: str) -> bool:
    """Whether the log is that of the frontend which took the message `wanted` from its client."""
    texts = (parts["text"] for line in lines if (parts := _LINE.match(line)))
    return any((found := _ACCEPTED.match(text)) and found["id"] == wanted for text in texts)


def handover_tls(lines: Iterable[str], wanted: str) -> tuple[str, str]:
    """How a frontend handed over the message `wanted`: protocol, name in its certificate; '' if not told."""
    texts = (parts["text"] for line in lines if (parts := _LINE.match(line)))
    # The backend's own header stands above those that came with the message.
    found = next((each for text in texts if (each := _HANDED.match(text)) and each["id"] == wanted), None)
    return (found["version"], found["client"] or "") if found else ("", "")


def notifications(lines: Iterable[str], wanted: str) -> tuple[str, ...]:
    """Queue ids of the DSNs that went to the sender of message `wanted`."""
    texts = (parts["text"] for line in lines if (parts := _LINE.match(line)))
    return tuple(found["dsn"] for text in texts if (found := _NOTIFIED.match(text)) and found["id"] == wanted)
