"""Postfix's policy delegation protocol (SMTPD_POLICY_README)."""

from __future__ import annotations

from typing import NamedTuple

REQUEST_LIMIT = 64 * 1024
"""Bytes that one request may have; Postfix sends some 800."""

DUNNO = b"action=DUNNO\n\n"

RCPT, DATA, END_OF_MESSAGE = "RCPT", "DATA", "END-OF-MESSAGE"


class BadRequestError(ValueError):
    """What came is no policy request."""


class Request(NamedTuple):
    """What is used of a request. `instance` is new for each message, the same when Postfix repeats itself."""

    state: str
    instance: str
    login: str
    recipients: int
    size: int
    client: str
    recipient: str = ""


def parse(text: bytes) -> Request:
    """A request from its lines `name=value`, without the empty one at the end. Raises BadRequestError."""
    try:
        # A list, as it is read in two thirds of the time of a generator.
        fields = dict([line.split("=", 1) for line in text.decode("utf-8", "replace").split("\n")])
    except ValueError as error:
        raise BadRequestError(f"not all name=value lines: {text[:40]!r}") from error
    try:
        return Request(
            fields["protocol_state"],
            fields["instance"],
            fields.get("sasl_username", ""),
            int(fields.get("recipient_count") or 0),
            int(fields.get("size") or 0),
            fields.get("client_address", ""),
            fields.get("recipient", ""),
        )
    except KeyError as error:
        raise BadRequestError(f"no {error.args[0]}") from error
    except ValueError as error:
        raise BadRequestError(f"not a number: {error}") from error


def answer(action: str) -> bytes:
    """The reply that carries an action of access(5); never more than one line."""
    return f"action={' '.join(action.split())}\n\n".encode()
