"""Bring a bounce to the customer's list server, with what is known of it in one header."""

from __future__ import annotations

import re
import smtplib
import ssl
from typing import Any

from provisioner_bounces.bounce_kinds import HEADER, Kind, ReturnPath

PORT = 25
TIMEOUT = 30.0
"""Seconds for each step."""

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)?")
_NAME = re.compile(rb"(?i)" + re.escape(HEADER.encode()) + rb"[ \t]*:")


class RefusedError(Exception):
    """The list server will never take it; what it said."""


class AwayError(Exception):
    """The list server can't take it now."""


def marked(raw: bytes, path: ReturnPath, kind: Kind, status: str) -> bytes:
    """The message with our header first, and without any of that name that came with it."""
    facts = {"kind": kind.value, "list": path.list, "recipient": path.recipient, "status": status}
    value = "; ".join(f"{name}={fact}" for name, fact in facts.items() if fact)
    kept, drop = [], False
    position = 0
    while position < len(raw):
        found = _LINE.match(raw, position)
        line = found[0] if found else b""
        if not line.strip(b"\r\n"):
            break  # the end of the headers
        # Who reads it may take a lone CR or LF for the end of a line, too.
        drop = drop if line[:1] in b" \t" else bool(_NAME.match(line))
        if not drop:
            kept.append(line)
        position += len(line)
    return f"{HEADER}: {value}\r\n".encode() + b"".join(kept) + raw[position:]


class Forwarder:
    """Speaks SMTP over TLS, with certificates of the fleet's authority on both sides."""

    def __init__(self, settings: dict[str, Any], port: int = PORT) -> None:
        self._name, self._port = settings["name"], port
        self._tls = ssl.create_default_context(cafile=settings["authority"])
        self._tls.load_cert_chain(settings["certificate"], settings["key"])
        self._tls.check_hostname = False  # the fleet's own authority signs hosts of the fleet alone

    def send(self, host: str, recipient: str, message: bytes) -> None:
        """Hand a message over, with the null sender. Raises AwayError, RefusedError. Waits."""
        try:
            with smtplib.SMTP(host, self._port, self._name, TIMEOUT) as smtp:
                smtp.starttls(context=self._tls)
                smtp.ehlo()
                eight_bit = smtp.has_extn("8bitmime") and not message.isascii()
                smtp.sendmail("", [recipient], message, ["BODY=8BITMIME"] if eight_bit else [])
        except smtplib.SMTPRecipientsRefused as error:
            raise _judged(*error.recipients[recipient]) from error
        except smtplib.SMTPDataError as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise AwayError(str(error)) from error


def _judged(code: int, said: bytes | str) -> AwayError | RefusedError:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return (RefusedError if code >= 500 else AwayError)(f"{code} {' '.join(text.split())}")
