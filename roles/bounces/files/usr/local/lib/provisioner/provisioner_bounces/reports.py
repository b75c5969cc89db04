"""What a message to a return path tells: which kind it is, the code and the words. Whatever its shape.

Standard reports are read as they are (RFC 3464, RFC 5965). The many older shapes are flufl.bounce's part: it
finds whether an address failed, and for good; here is only looked for the words that say why.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime

from flufl.bounce import all_failures

from provisioner_bounces.bounce_kinds import Kind, classify

LOG = logging.getLogger("provisioner-bounces")
MOST = 65_536
"""Bytes that are read: reports begin with what they report, and what follows is not to cost time."""

FAILED = ("fail", "error")
"""How actions of a notification begin that say so; some have comments, OpenSMTPD says 'error'."""

SAID_MOST = 2000
"""Characters of what a server or a report said."""

_CODE = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
_REPLY = re.compile(r"(?<![\d.:])([45])\d\d(?=[ -])")
_DAEMON = re.compile(r"mailer.?daemon|postmaster|mail (delivery|administrator|system)|delivery sub", re.I)
_ANSWERS = re.compile(
    r"(re: )?(auto(matic)?[ -]?(reply|response|antwort)|out of (the )?office|on vacation|abwesen|away from"
    r"|risposta automatica|fuori (sede|ufficio)|assen(za|te)|r[ée]ponse automatique|respuesta autom)",
    re.I,
)
_ORIGINAL = re.compile(
    r"^[^\w\n]{0,80}((included|below|here|this) (this line )?is (a|your) (copy|returned)"
    r"|(start|copy) of (the )?(returned|original)|original message|message header|return-path:|received: )",
    re.I | re.M,
)
_COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list", "other", ""}
"""Feedback types (RFC 5965 7.3) that come of what a reader does. The rest are machines' findings."""


@dataclass(frozen=True)
class Report:
    """What a message tells. status: RFC 3463's code, empty without a failure. said: in the other's words."""

    kind: Kind
    status: str = ""
    said: str = ""


def read(raw: bytes, recipient: str | None) -> tuple[Report, datetime | None]:
    """What a message tells of a recipient, and when this host took it (None: it does not say)."""
    message = message_from_bytes(raw[:MOST])
    for look in (_complaint, _notification, _personal_answer, _older_shape, _machines_answer):
        try:
            found = look(message, recipient)
        except Exception:  # anybody may have sent it: what can't be taken apart is no reason to keep it
            LOG.exception("a message could not be read")
            continue
        if found is not None:
            return found, _taken(message)
    return Report(Kind.UNIDENTIFIED, said=_squeezed(_subject(message))), _taken(message)


def _complaint(message: Message, _: str | None) -> Report | None:
    """A reader's complaint, as feedback loops send them (ARF, RFC 5965)."""
    for part in _parts(message):
        if part.get_content_type() == "message/feedback-report":
            fields = part.get_payload(0) if part.is_multipart() else part
            feedback = _text(fields, "feedback-type").strip().lower() if isinstance(fields, Message) else ""
            kind = Kind.COMPLAINT if feedback in _COMPLAINTS else Kind.AUTOREPLY
            return Report(kind, said=f"feedback report: {feedback or 'no type'}")
    return None


def _notification(message: Message, recipient: str | None) -> Report | None:
    """A delivery status notification (RFC 3464)."""
    blocks = [block for part in _parts(message) for block in _status_blocks(part)]
    return _told(blocks, message, recipient) if blocks else None


def _told(blocks: list[Message], message: Message, recipient: str | None) -> Report:
    """What a notification says of the recipient, else of the first that failed."""
    own = [block for block in blocks if recipient and _names(block, recipient)]
    failed = [block for block in blocks if _action(block).startswith(FAILED)]
    block = (own or failed or blocks)[0]
    action, comment, answer = _action(block), _text(block, "status"), _text(block, "diagnostic-code")
    answer = answer.partition(";")[2] or answer
    said = _squeezed(f"{answer} {_CODE.sub('', comment)}") or _words(message)
    if not action.startswith(FAILED):  # one that is only late may be there tomorrow (RFC 3464 2.3.3)
        return Report(Kind.AUTOREPLY, said=f"delivery status: {action}")
    # Where the status is vague ('5.0.0') the server's own answer mostly tells more.
    codes = [code for code in map(_code, (comment, answer)) if code]
    status = next((code for code in codes if not code.endswith(".0.0")), (*codes, "5.0.0")[0])
    return Report(classify(status, said), status, said)


def _status_blocks(part: Message) -> Iterator[Message]:
    if part.get_content_type() == "message/delivery-status" and part.is_multipart():
        for block in part.get_payload():
            if isinstance(block, Message) and _action(block):
                yield block


def _action(block: Message) -> str:
    return _text(block, "action").strip().lower()


def _names(block: Message, recipient: str) -> bool:
    given = (_text(block, f"{which}-recipient") for which in ("original", "final"))
    return any(recipient.lower() in field.lower() for field in given)


def _personal_answer(message: Message, _: str | None) -> Report | None:
    """A mailbox that answers for its owner (RFC 3834): its text may quote anything, so nobody looks at it."""
    if message.get_content_type() == "multipart/report" or _DAEMON.search(_text(message, "from")):
        return None
    marks = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-vacation")
    marked = any(name in message for name in marks)
    answers = _text(message, "precedence").strip().lower() in {"auto_reply", "auto-reply"}
    replied = _text(message, "auto-submitted").strip().lower().startswith("auto-replied")
    return _answer(message) if marked or answers or replied or _ANSWERS.match(_subject(message)) else None


def _older_shape(message: Message, recipient: str | None) -> Report | None:
    """What flufl.bounce knows."""
    temporary, permanent = all_failures(message)
    if not temporary and not permanent:
        return None
    if blocks := [block for part in message.walk() for block in _status_blocks(part)]:
        return _told(blocks, message, recipient)  # a notification that another machine has passed on
    said = _words(message)
    if not permanent:  # a warning: it is only late
        return Report(Kind.AUTOREPLY, said=said)
    reply = _REPLY.search(said)
    status = _code(said) or (f"{reply[1]}.0.0" if reply else "5.0.0")
    return Report(classify(status, said), status, said)


def _machines_answer(message: Message, _: str | None) -> Report | None:
    """Any other answer of a machine: it says so itself (RFC 3834 5), or is a receipt (RFC 8098)."""
    submitted = _text(message, "auto-submitted").strip().lower()
    receipt = message.get_param("report-type", "", "content-type") == "disposition-notification"
    return _answer(message) if receipt or submitted.startswith("auto-") else None


def _answer(message: Message) -> Report:
    return Report(Kind.AUTOREPLY, said=_squeezed(_subject(message)))


def _parts(message: Message) -> Iterator[Message]:
    """The parts of a message, without those of messages that it carries."""
    yield message
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _parts(part)


def _words(message: Message) -> str:
    """What a report says to people, up to the message that it returns."""
    texts = []
    for part in _parts(message):
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
            if part.get_content_subtype() == "html":
                text = html.unescape(re.sub(r"<[^<>]{0,1000}>", " ", text))
            returned = _ORIGINAL.search(text)
            texts.append(text[: returned.start()] if returned else text)
    return _squeezed("\n".join(texts))


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found[0] if found else ""


def _subject(message: Message) -> str:
    given = _text(message, "subject").strip()
    try:
        return str(make_header(decode_header(given)))
    except (LookupError, ValueError, MessageError):  # not in that character set, or none (RFC 2047)
        return given


def _text(message: Message, name: str) -> str:
    return str(message.get(name, ""))


def _squeezed(text: str) -> str:
    """In one line of printable ASCII: it is logged, and frontends say it in their answers."""
    printable = re.sub(r"[^ -~]", "?", " ".join(text.split()))
    return printable[:SAID_MOST]


def _taken(message: Message) -> datetime | None:
    """When the host whose Received: stands first took the message: this one, whoever wrote the others."""
    try:
        moment = parsedate_to_datetime(_text(message, "received").rpartition(";")[2].strip())
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else None
