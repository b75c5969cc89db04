"""What an answer to a probe means."""

from __future__ import annotations

import pytest

from provisioner.adapters import probes
from provisioner.core.probes import ProbeAsk, Verdict

ASK = ProbeAsk("acme.example", "acme", frozenset({"s1"}))


@pytest.mark.parametrize(
    ("code", "answer", "verdict"),
    [
        (452, "4.3.1 Insufficient system storage", Verdict.DOUBT),
        (451, "4.7.1 Service unavailable - try again later", Verdict.DOUBT),
        (451, "4.7.1 signing for acme.example with s1 failed; try again", Verdict.WRONG),
        (550, "5.7.1 From: acme.example does not belong to account acme", Verdict.DOUBT),
        (550, "5.7.20 no DKIM key of acme.example is active yet; ask your provider", Verdict.WRONG),
    ],
)
def test_what_is_put_off_says_nothing_of_keys(code: int, answer: str, verdict: Verdict) -> None:
    found, said = probes._judge(ASK, code, answer, b"", lambda name: None)
    assert found is verdict
    assert answer in said
