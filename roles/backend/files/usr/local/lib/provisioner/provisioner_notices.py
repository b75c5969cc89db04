"""Hand the operator's own notices over, as a frontend hands customers' mail over: checked, signed, queued.

Standard input is JSON: [{"account", "sender", "recipient", "message"}], the message as text. Prints
the server's answers in that order, as JSON: [[code, answer]].
"""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
import sys
from pathlib import Path

PORT = 10026
TLS = Path("/etc/provisioner/tls")
TIMEOUT = 60.0
"""Seconds for each step."""


def connect() -> smtplib.SMTP_SSL:
    """The hand-over service of this host, which wants a certificate of the fleet."""
    context = ssl.create_default_context(cafile=str(TLS / "ca.crt"))
    context.check_hostname = False  # this is the host itself
    context.load_cert_chain(TLS / "host.crt", TLS / "host.key")
    return smtplib.SMTP_SSL("127.0.0.1", PORT, socket.getfqdn(), timeout=TIMEOUT, context=context)


def hand_over(smtp: smtplib.SMTP, notice: dict[str, str]) -> tuple[int, str]:
    """Send one; the answer to its end, or to what was refused before."""
    smtp.ehlo_or_helo_if_needed()
    for code, said in (smtp.mail(notice["sender"]), smtp.rcpt(notice["recipient"])):
        if code >= 400:
            smtp.rset()
            return code, said.decode(errors="replace")
    text = f"X-Provisioner-Account: {notice['account']}\n{notice['message']}"
    code, said = smtp.data(text.encode())
    return code, said.decode(errors="replace")


def main() -> None:
    """Hand all over, print what became of each."""
    with connect() as smtp:
        print(json.dumps([hand_over(smtp, notice) for notice in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
