from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.findings import Finding, Status
from provisioner.core.junit import junit
from provisioner.core.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("v=spf1 -all", "v=spf1 -all"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\x9b31m\r", "\\x9b31m\\r"),
        ("\u202eelpmaxe", "\\u202eelpmaxe"),
        ("bücher.example 日本 🙂", "bücher.example 日本 🙂"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_is_not_seen_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(), max_size=40))
def test_any_text_makes_a_report_that_can_be_read(text: str) -> None:
    report = junit({"acme.example": [Finding("spf", text, status, text, text, text) for status in Status]})
    (suite,) = ET.fromstring(report.encode())  # noqa: S314 - our own
    assert len(suite) == len(Status)
