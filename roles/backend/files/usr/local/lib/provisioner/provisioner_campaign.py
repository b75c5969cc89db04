"""What became of each recipient of one list's mail, by Postfix's log.

Run as `provisioner_campaign.py LOGIN LIST SINCE UNTIL [LOG]`, seconds since 1970 (`inf`: until now) and the
newest log file. Prints JSON: {recipient: [status, RFC 3463 code, what the server said, seconds since 1970]},
of the last attempt. A list's mail is what was taken in that time with a return path
LOGIN.LIST.TAG+USER=DOMAIN@…, of that login.
"""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

# Python is started isolated (-I): it does not look beside this file by itself.
sys.path.insert(0, str(Path(__file__).parent))
from provisioner_deliveries import ACCOUNT, LOG, SAID, moment_of
from provisioner_deliveries import lines as lines_of

CLOCKS = 5.0
"""Seconds that this host's clock may be behind that of the host which tells when a campaign began."""

_STATUS = re.compile(rb", dsn=([\d.]+), status=(\w+) \((.*)\)$")


@dataclass
class Campaign:
    """Collects lines of the log, oldest first."""

    login: bytes
    list_name: bytes
    since: float
    until: float
    now: float
    recipients: dict[bytes, tuple[bytes, bytes, bytes, float]] = field(default_factory=dict)
    _own: set[bytes] = field(default_factory=set)
    _ours: set[bytes] = field(default_factory=set)
    _read: dict[bytes, float] = field(default_factory=dict)

    def line(self, line: bytes) -> None:
        """Take one line: `Mon dd hh:mm:ss host service[pid]: queue id: text`."""
        start = line.find(b"]: ")
        middle = line.find(b": ", start + 3)
        queue_id, text = line[start + 3 : middle], line[middle + 2 :]
        if text.startswith(ACCOUNT):
            login = text[len(ACCOUNT) :].split(b" ", 1)[0]
            if login == self.login and b"[127.0.0.1];" not in text and self._in_time(line):
                self._own.add(queue_id)
        elif text.startswith(b"from=<") and queue_id in self._own:
            prefix = b"from=<" + self.login + b"." + self.list_name + b"."
            if text.lower().startswith(prefix):
                self._ours.add(queue_id)
        elif text.startswith(b"to=<") and queue_id in self._ours:
            self._attempt(line, text)
        elif text == b"removed\n":
            self._own.discard(queue_id)
            self._ours.discard(queue_id)

    def _attempt(self, line: bytes, text: bytes) -> None:
        found = _STATUS.search(text.rstrip(b"\n"))
        if found is not None:
            dsn, status, said = found.groups()
            recipient = text[4 : text.index(b">")].lower()
            self.recipients[recipient] = (status, dsn, said[:SAID], self._moment(line))

    def _in_time(self, line: bytes) -> bool:
        return self.since <= self._moment(line) < self.until

    def _moment(self, line: bytes) -> float:
        minute = line[:12]
        if minute not in self._read:
            self._read = {minute: moment_of(minute, self.now)}
        return self._read[minute] + int(line[13:15])

    def told(self) -> dict[str, list[object]]:
        """All of it, as printed; what a server said of mail that it took is left out."""
        return {
            recipient.decode(errors="replace"): [
                status.decode(),
                dsn.decode(),
                "" if status == b"sent" else said.decode(errors="replace"),
                int(at),
            ]
            for recipient, (status, dsn, said, at) in self.recipients.items()
        }


def main(arguments: list[str]) -> None:
    """Read, look, print."""
    login, list_name, *times = arguments[:4]
    since, until = (float(at) - CLOCKS for at in times)
    campaign = Campaign(login.encode(), list_name.lower().encode(), since, until, time.time())
    for line in lines_of(Path(arguments[4]) if len(arguments) > 4 else LOG, campaign.since):
        campaign.line(line)
    print(json.dumps(campaign.told()))


if __name__ == "__main__":
    main(sys.argv[1:])
