"""Ask the servers of other domains whether they take mail for an address, through this host's own Postfix.

Addresses come on standard input, a line each. Prints JSON: {address: [code, answer]}; code 250 yes, 550 no,
450 not known now. Postfix looks the servers up, connects from the egress address, and stops after RCPT TO
(ADDRESS_VERIFICATION_README); this asks its loopback service, several addresses at a time.
"""

from __future__ import annotations

import json
import smtplib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

PORT = 10028
AT_ONCE = 20
PATIENCE = 60.0
"""Seconds for one address. Postfix answers 450 while its own question is under way."""

UNDER_WAY = "address verification in progress"


def ask(address: str) -> tuple[int, str]:
    """What the server of an address says to RCPT TO."""
    deadline = time.monotonic() + PATIENCE
    while True:
        code, said = _ask_once(address)
        if UNDER_WAY not in said.lower() or time.monotonic() > deadline:
            return code, said
        time.sleep(1)


def _ask_once(address: str) -> tuple[int, str]:
    try:
        with smtplib.SMTP("127.0.0.1", PORT, "localhost", timeout=PATIENCE) as smtp:
            smtp.ehlo_or_helo_if_needed()
            smtp.mail("")
            code, said = smtp.rcpt(address)
    except (OSError, smtplib.SMTPException) as error:
        return 450, str(error)
    return code, said.decode(errors="replace").replace("\n", " ")


def main() -> None:
    """Ask for every address, print all answers."""
    addresses = sys.stdin.read().split()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        print(json.dumps(dict(zip(addresses, pool.map(ask, addresses), strict=True))))


if __name__ == "__main__":
    main()
