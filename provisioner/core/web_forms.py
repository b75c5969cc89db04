"""Forms and links as a person finds them in pages and mails. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser

_LINK = re.compile(r"https?://[^\s<>\"']+")
_HREF = re.compile(r"\b(?:href|src|action)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_EMAIL_FIELDS = {"email", "emailconfirm"}
_CONFIRM = ("response_action_confirm", "confirm", "action_auth")
"""Names of buttons that go on, where a page has others too (Sympa's confirm_action)."""


_ELSEWHERE = ("action_set_lang", "action_login", "action_search_list")
"""Those of forms that Sympa has on every page."""


@dataclass
class Form:
    """A form: where it goes (empty: to its page's own address), how, and what it would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, tuple[str, str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def sent(self, filled: Mapping[str, str] | None = None) -> dict[str, str]:
        """What is sent when fields are filled in and the button that goes on is pressed."""
        preferred = [each for each in self.buttons if each[0] in _CONFIRM]
        pressed = dict((preferred or self.buttons)[:1])
        pressed.pop("", None)
        return {**self.fields, **(filled or {}), **pressed}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self._box = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").upper())
            self.found.append(self._open)
        elif self._open is not None and tag in {"input", "button"}:
            self._field(self._open, tag, given)

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        if kind in {"submit", "image"}:
            form.buttons.append((name, value))
        elif kind in {"checkbox", "radio"}:
            if "checked" in given:
                form.fields[name] = value or "on"
            form.boxes[name], self._box = (value or "on", ""), name
        elif name and kind not in {"button", "reset", "file"}:
            form.fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._box:
            value, label = self._open.boxes[self._box]
            self._open.boxes[self._box] = (value, f"{label} {data}".strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open, self._box = None, ""


def forms(page: str) -> tuple[Form, ...]:
    """The forms of a page."""
    parser = _Forms()
    parser.feed(page)
    return tuple(parser.found)


def subscription(found: Sequence[Form], address: str, list_name: str) -> tuple[Form, dict[str, str]] | None:
    """The form that takes an address, filled in as a person would; None when there is none.

    Only what a person sees a reason to fill in is: what else stands there may be a trap for bots. Of the
    boxes, the one whose label names the list is ticked.
    """
    for form in found:
        if form.method == "POST" and "email" in form.fields:
            filled = {name: address for name in form.fields if name in _EMAIL_FIELDS}
            for name, (value, label) in form.boxes.items():
                if list_name.lower() in label.lower():
                    filled[name] = value
            return form, form.sent(filled)
    return None


def confirmation(found: Sequence[Form]) -> tuple[Form, dict[str, str]] | None:
    """The form that only asks whether to go on; None when there is none."""
    possible = [
        form
        for form in found
        if form.method == "POST" and form.buttons and "email" not in _empty(form) and not _other(form)
    ]
    going_on = [form for form in possible if any(name in _CONFIRM for name, _ in form.buttons)]
    form = next(iter(going_on or possible), None)
    return (form, form.sent()) if form is not None else None


def _other(form: Form) -> bool:
    """Whether a form is there on every page for something else."""
    return any(name in _ELSEWHERE for name, _ in form.buttons)


def _empty(form: Form) -> set[str]:
    return {name for name, value in form.fields.items() if not value}


def links(raw: bytes) -> tuple[str, ...]:
    """Every link in a mail, as a scanner finds them: its header, its text, its HTML; each once."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - what the default policy makes
    found = _LINK.findall(str(message.get("List-Unsubscribe", "")))
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        text = str(part.get_content())
        if part.get_content_subtype() == "html":
            targets = [next(filter(None, groups), "") for groups in _HREF.findall(text)]
            found += [unescape(each) for each in targets if each.startswith(("http://", "https://"))]
        else:
            found += _LINK.findall(text)
    return tuple(dict.fromkeys(each.rstrip(".,;)") for each in found))


def one_click(raw: bytes) -> str:
    """The https link of a mail's List-Unsubscribe; empty when it has none."""
    message = message_from_bytes(raw, policy=policy.default)
    found = re.search(r"<\s*(https://[^>\s]+)\s*>", str(message.get("List-Unsubscribe", "")))
    return found[1] if found else ""
