"""See what TLS a mail port offers, and ask it whether it takes mail for an address."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from pathlib import Path

from provisioner.adapters.submission import open_session
from provisioner.core.checks import TlsSeen

_TIMEOUT = 15.0
_CLOSING = 421
"""A server that ends the conversation (RFC 5321 3.8)."""


def look(address: str, name: str, port: int, authority: Path | None = None) -> TlsSeen:
    """Connect as a client would that knows the system's authorities, then one that knows the fleet's too."""
    error = ""
    for by_fleet, known in ((False, None), (True, authority)):
        if by_fleet and (known is None or not known.exists()):
            break
        try:
            smtp = open_session(address, name, port, known, _TIMEOUT)
        except ssl.SSLCertVerificationError as wrong:
            error = f"its certificate does not hold: {wrong.verify_message}"
            continue
        except smtplib.SMTPResponseException as wrong:
            said = f"{wrong.smtp_code} {_text(wrong.smtp_error)}"
            # One that has no time now says nothing of its TLS; 454 to STARTTLS does.
            busy = wrong.smtp_code == _CLOSING or (
                isinstance(wrong, smtplib.SMTPConnectError) and wrong.smtp_code // 100 == 4
            )
            error = f"no conversation: {said}" if busy else f"no TLS: {said}"
            return TlsSeen(address, port, error=error, silent=busy)
        except (ssl.SSLError, smtplib.SMTPNotSupportedError) as wrong:
            return TlsSeen(address, port, error=f"no TLS: {wrong}")
        except (OSError, smtplib.SMTPException) as wrong:
            return TlsSeen(address, port, error=f"no conversation: {wrong}", silent=True)
        return _seen(smtp, address, port, by_fleet=by_fleet)
    return TlsSeen(address, port, error=error)


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _seen(smtp: smtplib.SMTP, address: str, port: int, *, by_fleet: bool) -> TlsSeen:
    with smtp:
        assert isinstance(smtp.sock, ssl.SSLSocket)  # noqa: S101
        certificate = smtp.sock.getpeercert() or {}
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        protocol = smtp.sock.version() or ""
    return TlsSeen(address, port, protocol, datetime.fromtimestamp(ends, UTC), by_fleet)


def ask_mailbox(address: str, name: str, recipient: str) -> tuple[int, str]:
    """What a server says to RCPT TO of a bounce (MAIL FROM:<>); code 0 when there was no conversation."""
    try:
        with smtplib.SMTP(timeout=_TIMEOUT) as smtp:
            code, said = smtp.connect(address, 25)
            if code == 220:
                smtp.ehlo_or_helo_if_needed()
                code, said = smtp.mail("")
            if code == 250:
                code, said = smtp.rcpt(recipient)
    except (OSError, smtplib.SMTPException) as error:
        return 0, f"no conversation with {name} ({address} port 25): {error}"
    return code, said.decode(errors="replace")
