"""Whether a domain that takes mail asks for TLS (MTA-STS) and for reports of it (TLS-RPT): advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provisioner.core.answers import Answer, Dns, Outcome, settled
from provisioner.core.checks.one_click import LinkAnswer
from provisioner.core.checks.records import unknown
from provisioner.core.findings import Finding, Status
from provisioner.core.inbound_tls import (
    POLICY_PATH,
    TlsRecordError,
    check_reports_record,
    check_sts_record,
    parse_policy,
)

_KINDS: dict[str, tuple[str, str, Callable[[str], None], str]] = {
    "mta-sts": ("_mta-sts", "v=STSv1", check_sts_record, "fleet_mta_sts"),
    "tls-rpt": ("_smtp._tls", "v=TLSRPTv1", check_reports_record, "fleet_tls_reports"),
}
_PUBLISH = "provisioner dns publish --fleet"


async def check_reporting(domain: str, wanted: Mapping[str, str], dns: Dns) -> list[Finding]:
    """One finding of each kind from each server.

    wanted: by kind, the record that ought to be there, if any.
    """
    return [
        _judge(check, f"{label}.{domain}", wanted.get(check, ""), answer)
        for check, (label, *_) in _KINDS.items()
        for answer in settled(await dns.ask_all(f"{label}.{domain}", "TXT"))
    ]


def check_policy(host: str, mx: str, answer: LinkAnswer) -> Finding:
    """Whether the policy that is served (RFC 8461 3.2) lets mail come to `mx`."""
    subject, deploy = f"https://{host}{POLICY_PATH}", "Run: provisioner deploy --limit loadbalancers"
    if not answer.status:
        return Finding("mta-sts", subject, Status.FAIL, answer.error, "", deploy)
    if answer.status != 200:
        return Finding("mta-sts", subject, Status.FAIL, f"answers {answer.status}", "", deploy)
    try:
        policy = parse_policy(answer.body)
    except TlsRecordError as error:
        return Finding("mta-sts", subject, Status.FAIL, str(error), "", deploy)
    seen = f"{policy.mode} for {', '.join(policy.mx)}"
    status = Status.PASS if mx in policy.mx else Status.FAIL
    return Finding("mta-sts", subject, status, seen, "", "" if status is Status.PASS else deploy, mx)


def _judge(check: str, name: str, wanted: str, answer: Answer) -> Finding:
    _, begins, read, setting = _KINDS[check]
    if not answer.certain:
        return unknown(check, name, answer, wanted or begins)
    # What does not begin so counts as not there, and several as none (RFC 8461 3.1, RFC 8460 3).
    records = [value for value in answer.values if value.replace(" ", "").startswith(begins)]
    if not records and not wanted:
        seen = answer.seen if answer.outcome is Outcome.FOUND else f"none ({answer.seen})"
        fix = f"Set {setting}, then run: {_PUBLISH}"
        return Finding(check, name, Status.WARN, seen, answer.server, fix, begins)
    wrong = _wrong(records, wanted, read)
    status, fix = (Status.FAIL, f"Run: {_PUBLISH}") if wrong else (Status.PASS, "")
    return Finding(check, name, status, wrong or records[0], answer.server, fix, wanted or begins)


def _wrong(records: list[str], wanted: str, read: Callable[[str], None]) -> str:
    """What is wrong, in words; empty when nothing is."""
    if not records:
        return "none"
    if len(records) > 1:
        return f"several, which count as none: {' | '.join(records)}"
    try:
        read(records[0])
    except TlsRecordError as error:
        return f"{records[0]}: {error}"
    return f"another one: {records[0]}" if wanted not in {"", records[0]} else ""
