"""What a received message proves: who vouched for it, over which hops, with which protocol. Pure.

Read from the message as the receiving server stored it: its Authentication-Results (RFC 8601), its
DKIM-Signature headers (RFC 6376 3.5) and its trace (RFC 5321 4.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

_METHOD = re.compile(r"\b(?P<method>dkim|spf|dmarc)\s*=\s*(?P<result>[a-z]+)(?P<rest>[^;]*)")
_PROPERTY = re.compile(r"\b(?P<name>header\.[a-z]+|smtp\.[a-z]+)\s*=\s*(?P<value>[^\s;]+)")
_BY = re.compile(r"\bby\s+(?P<by>\S+)")
_FROM = re.compile(r"^from\s+(?P<helo>\S+)")
_TLS = re.compile(r"\(using (?P<version>TLSv[\d.]+)")
_CLIENT = re.compile(r'\(Client CN "(?P<name>[^"]+)"[^)]*\(verified OK\)')
_TAG = re.compile(r"(?:^|;)\s*(?P<name>[a-z]+)\s*=\s*(?P<value>[^;]*)")


@dataclass(frozen=True)
class Hop:
    """One server that took the message: from whom (HELO; the certificate's name if verified), over what."""

    by: str
    helo: str
    tls: str
    client: str
    at: datetime | None


@dataclass(frozen=True)
class Proof:
    """What one received message shows. Results are RFC 8601's words.

    dkim: by key type (`rsa`, `ed25519`); hops: oldest first.
    """

    message_id: str
    recipient: str
    spf: str
    dkim: dict[str, str] = field(default_factory=dict)
    dmarc: str = "none"
    hops: tuple[Hop, ...] = ()

    @property
    def frontend(self) -> str:
        """The frontend that the backend saw a verified certificate of, as a bare host name; '' when none."""
        return next((hop.client.partition(".")[0] for hop in self.hops if hop.client), "")

    @property
    def backend(self) -> str:
        """The backend that took it from that frontend, as a bare host name; '' when none."""
        return next((hop.by.partition(".")[0] for hop in self.hops if hop.client), "")

    @property
    def tls(self) -> tuple[str, ...]:
        """The protocol of each hop, oldest first; '' for one without TLS."""
        return tuple(hop.tls for hop in self.hops)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as it has to be, for people; empty when all is right."""
        wrong = []
        if self.spf != "pass":
            wrong.append(f"SPF {self.spf}")
        for algorithm in ("rsa", "ed25519"):
            result = self.dkim.get(algorithm, "missing")
            if result != "pass":
                wrong.append(f"DKIM {algorithm} {result}")
        if self.dmarc != "pass":
            wrong.append(f"DMARC {self.dmarc}")
        if len(self.hops) != len(STAGES) or not all(self.tls):
            wrong.append(f"TLS over {sum(map(bool, self.tls))} of {len(STAGES)} hops")
        if not self.frontend:
            wrong.append("no frontend's certificate was verified")
        return tuple(wrong)


STAGES = ("submission", "hand-over", "delivery")
"""The hops of the complete path: client to frontend, frontend to backend, backend to the receiver."""


def read(raw: bytes, recipient: str, trusted: Iterable[str]) -> Proof:
    """The proof in a message as stored for `recipient`.

    trusted: authserv-ids whose Authentication-Results count; others could have come with the message.
    """
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - what the default policy makes
    algorithms = _signatures(message)
    wanted = set(trusted)
    results: dict[str, str] = {}
    dkim: dict[str, str] = {}
    for header in message.get_all("Authentication-Results", []):
        text = _unfolded(header)
        if text.split(";")[0].split()[0] not in wanted:
            continue
        for found in _METHOD.finditer(text):
            properties = dict(_PROPERTY.findall(found["rest"]))
            if found["method"] != "dkim":
                results.setdefault(found["method"], found["result"])
                continue
            algorithm = algorithms.get((properties.get("header.d", ""), properties.get("header.s", "")))
            if algorithm is not None:
                dkim[algorithm] = found["result"]
    hops = tuple(reversed([_hop(_unfolded(header)) for header in message.get_all("Received", [])]))
    return Proof(
        str(message["Message-ID"] or "").strip(),
        recipient,
        results.get("spf", "none"),
        dkim,
        results.get("dmarc", "none"),
        hops,
    )


def authorities(raw: bytes) -> tuple[str, ...]:
    """The authserv-ids of a message's Authentication-Results, the topmost first: the last server's own."""
    headers = message_from_bytes(raw, policy=policy.default).get_all("Authentication-Results", [])
    return tuple(_unfolded(header).split(";")[0].split()[0] for header in headers)


def _signatures(message: EmailMessage) -> dict[tuple[str, str], str]:
    """(d=, s=) → key type of every DKIM signature in the message."""
    found = {}
    for header in message.get_all("DKIM-Signature", []):
        tags = {match["name"]: "".join(match["value"].split()) for match in _TAG.finditer(_unfolded(header))}
        found[tags.get("d", ""), tags.get("s", "")] = tags.get("a", "").partition("-")[0]
    return found


def _hop(text: str) -> Hop:
    by, helo, tls, client = _BY.search(text), _FROM.search(text), _TLS.search(text), _CLIENT.search(text)
    try:
        at = parsedate_to_datetime(text.rpartition(";")[2].strip())
    except ValueError:
        at = None
    return Hop(
        by["by"] if by else "",
        helo["helo"] if helo else "",
        tls["version"] if tls else "",
        client["name"] if client else "",
        at,
    )


def _unfolded(header: object) -> str:
    return " ".join(str(header).split())
