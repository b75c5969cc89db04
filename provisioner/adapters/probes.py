"""Have backends sign messages that nobody receives, and verify these from here against live DNS."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache

from provisioner.adapters import dkim_verify
from provisioner.adapters.deliveries import run_tool
from provisioner.adapters.ssh import on_each
from provisioner.core.answers import Answer, Lookup, Outcome
from provisioner.core.fleet import Host
from provisioner.core.probes import ProbeAsk, Probed, Verdict

_TOOL = "provisioner_signed.py"


class _DoubtError(Exception):
    """DNS gave no answer; carries what it gave."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.name}: {answer.outcome.value} ({answer.server})")


_CAN_NOT_SIGN = "signing for "
_ANOTHERS = "does not belong to account"
"""What roles/backend's signer says then."""


class Probes:
    """A prober whose verifier asks DNS with `lookup`."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def __call__(self, asks: Sequence[ProbeAsk], hosts: Sequence[Host]) -> list[Probed]:
        """One result for each of the asks and hosts, all hosts at once. Never raises for one host."""
        messages = [{"account": ask.account, "message": _message(ask.domain)} for ask in asks]
        stdin = json.dumps(messages).encode()
        found: list[Probed] = []
        known = cache(self._txt)  # every backend signs with the same keys
        for outcome in on_each(hosts, lambda ssh: run_tool(ssh, _TOOL, (), stdin)):
            name = outcome.host.name
            if outcome.error is not None:
                found += [Probed(ask.domain, name, Verdict.DOUBT, outcome.error.reason) for ask in asks]
                continue
            for ask, (code, answer, raw) in zip(asks, outcome.value or (), strict=True):
                signed = base64.b64decode(raw)
                verdict, said = _judge(ask, code, answer, signed, known)
                found.append(Probed(ask.domain, name, verdict, said, signed))
        return found

    def _txt(self, name: str) -> bytes | None:
        answer = self._lookup(name, "TXT")
        if not answer.certain:
            raise _DoubtError(answer)
        return "".join(answer.values).encode() if answer.outcome is Outcome.FOUND else None


def _judge(
    ask: ProbeAsk, code: int, answer: str, raw: bytes, txt: dkim_verify.TxtLookup
) -> tuple[Verdict, str]:
    # What is refused here is refused to the customer just so. What is put off says nothing of keys: a disk is
    # full, the signer starts anew; but for a signer that has the key and can't sign with it. Nor does an
    # account that support took away meanwhile; the next look asks as another.
    if _ANOTHERS in answer or (code // 100 == 4 and _CAN_NOT_SIGN not in answer):
        return Verdict.DOUBT, f"put off: {code} {answer}"
    if code != 250:
        return Verdict.WRONG, f"refused: {code} {answer}"
    try:
        signed = dkim_verify.by_selector(raw, txt)
    except _DoubtError as doubt:
        return Verdict.DOUBT, f"DNS is in doubt: {doubt}"
    if missing := sorted(ask.selectors - signed.keys()):
        return Verdict.WRONG, f"not signed with {', '.join(missing)}"
    if wrong := sorted(selector for selector, right in signed.items() if not right):
        return Verdict.WRONG, f"the signature with {', '.join(wrong)} does not verify"
    return Verdict.RIGHT, ""


def _message(domain: str) -> str:
    """A message as a newsletter would be, so that its signature covers what theirs must (RFC 8058 4)."""
    message = EmailMessage()
    message["From"] = f"dkim-probe@{domain}"
    message["To"] = "nobody@probe.invalid"
    message["Subject"] = "Probe of the signers"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=domain)
    message["List-Unsubscribe"] = f"<https://{domain}/unsubscribe>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("Signed, verified, and never sent.\n")
    return message.as_string()
