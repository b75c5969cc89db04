"""Submit a message to the fleet as a customer does: TLS, password, one transaction (RFC 6409, RFC 8314)."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Self

from provisioner.core.errors import CheckFailed
from provisioner.core.maillog import queue_id

IMPLICIT_TLS_PORT = 465


@dataclass(frozen=True)
class Receipt:
    """How the fleet took a message: its answer, the queue id in it, TLS protocol, seconds it took."""

    reply: str
    queue_id: str | None
    tls: str
    seconds: float


class Refused(CheckFailed):
    """The fleet refused a login, a sender, a recipient or the message; code is SMTP's."""

    def __init__(self, stage: str, code: int, text: str) -> None:
        super().__init__(f"The fleet refused {stage}: {code} {text}")
        self.stage, self.code, self.text = stage, code, text


class Unreachable(CheckFailed):
    """No conversation with the fleet came about."""


class Submission:
    """A logged-in session with the fleet; a context manager.

    address, port: where to connect; name: what the certificate must be for; authority: file with the
    fleet's CA, trusted besides the system's.
    """

    def __init__(self, address: str, name: str, port: int = 587, authority: Path | None = None) -> None:
        self._address, self._name, self._port, self._authority = address, name, port, authority
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Connect and secure the connection. Raises Unreachable."""
        try:
            self._smtp = open_session(self._address, self._name, self._port, self._authority)
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(
                f"No secure session with {self._name} ({self._address} port {self._port}): {error}",
                hint="'provisioner status' shows which hosts are well.",
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """End the session; its end may already be there."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()

    @property
    def tls(self) -> str:
        """The TLS protocol of the session, as 'TLSv1.3'."""
        assert self._smtp is not None and isinstance(self._smtp.sock, ssl.SSLSocket)  # noqa: S101, PT018
        return self._smtp.sock.version() or ""

    def login(self, login: str, password: str) -> None:
        """Authenticate. Raises Refused."""
        assert self._smtp is not None  # noqa: S101
        try:
            self._smtp.login(login, password)
        except smtplib.SMTPResponseException as error:
            raise _refused("the login", error.smtp_code, error.smtp_error) from error

    def send(self, sender: str, recipients: Iterable[str], message: EmailMessage | bytes) -> Receipt:
        """Submit one message; all recipients or none. Raises Refused."""
        assert self._smtp is not None  # noqa: S101
        smtp = self._smtp
        begun = time.monotonic()
        stage = "the sender"
        try:
            _expect(smtp.mail(sender))
            for recipient in recipients:
                stage = f"recipient {recipient}"
                _expect(smtp.rcpt(recipient))
            stage = "the message"
            code, text = smtp.data(message if isinstance(message, bytes) else message.as_bytes())
            _expect((code, text))
        except smtplib.SMTPResponseException as error:
            smtp.rset()
            raise _refused(stage, error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPServerDisconnected as error:
            raise Unreachable(f"The fleet closed the connection at {stage}.") from error
        reply = text.decode(errors="replace")
        return Receipt(reply, queue_id(reply), self.tls, time.monotonic() - begun)


def open_session(
    address: str, name: str, port: int, authority: Path | None = None, timeout: float = 60.0
) -> smtplib.SMTP:
    """A session inside TLS that has said EHLO. Raises OSError (SSLError too) and SMTPException."""
    context = ssl.create_default_context()
    if authority is not None and authority.exists():
        context.load_verify_locations(authority)
    smtp: smtplib.SMTP
    if port == IMPLICIT_TLS_PORT:
        smtp = _ImplicitTls(address, name, port, timeout, context)
    else:
        smtp = _StartTls(address, name, port, timeout)
        try:
            smtp.starttls(context=context)
        except (OSError, smtplib.SMTPException):
            smtp.close()
            raise
    smtp.ehlo()
    return smtp


class _StartTls(smtplib.SMTP):
    """Connects to an address while the certificate is checked for a name."""

    def __init__(self, address: str, name: str, port: int, timeout: float) -> None:
        self._address = address
        super().__init__(name, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


class _ImplicitTls(_StartTls):
    def __init__(self, address: str, name: str, port: int, timeout: float, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(address, name, port, timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


def _expect(answer: tuple[int, bytes]) -> None:
    code, text = answer
    if code // 100 != 2:
        raise smtplib.SMTPResponseException(code, text.decode(errors="replace"))


def _refused(stage: str, code: int, text: bytes | str) -> Refused:
    return Refused(stage, code, text.decode(errors="replace") if isinstance(text, bytes) else text)
