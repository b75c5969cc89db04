"""Whether the world finds exactly the key that the signers hold."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.core.answers import Answer, Outcome
from provisioner.core.checks.records import unknown
from provisioner.core.dkim import (
    Algorithm,
    DkimKey,
    DkimRecordError,
    KeyState,
    decode_base64,
    parse_record,
    rsa_bits,
)
from provisioner.core.findings import Finding, Status
from provisioner.core.records import Record

RSA_GOOD_BITS = 2048
RSA_LEAST_BITS = 1024
"""RFC 8301 3.2: verifiers treat shorter keys as no key."""


def check_signing(domain: str, keys: Iterable[DkimKey]) -> list[Finding]:
    """A failure where no key of a domain signs: the fleet refuses mail From: it until one does."""
    states = {key.slot: key.state for key in keys}
    if KeyState.ACTIVE in states.values():
        return []
    fix = f"Have a key made, published and used: provisioner dkim rotate {domain} --apply --wait"
    some = ", ".join(f"slot {slot} is {state.value}" for slot, state in sorted(states.items()))
    seen = f"no key signs: {some}" if some else "no keys in the inventory"
    return [Finding("dkim", domain, Status.FAIL, seen, "", fix, "an active key")]


def check_dkim(key: DkimKey, wanted: Record, answers: Iterable[Answer]) -> list[Finding]:
    """Whether each server leads from the selector to exactly the key held.

    wanted: what the customer publishes (`records.dkim_needed`). answers: to the TXT question at the
    selector's name, CNAMEs followed. A TXT record kept there by hand is as good: some cannot do CNAMEs.
    """
    return [_finding(key, wanted, answer) for answer in answers]


def _finding(key: DkimKey, wanted: Record, answer: Answer) -> Finding:
    if not answer.certain:
        return unknown("dkim", wanted.name, answer, wanted.value)
    found = _wrong_way(key, wanted, answer) or _wrong_record(key, wanted, answer)
    return found or _strength(key, wanted, answer)


def _wrong_way(key: DkimKey, wanted: Record, answer: Answer) -> Finding | None:
    """What is wrong on the way to the record."""

    def fails(expected: str, fix: str) -> Finding:
        return Finding("dkim", wanted.name, Status.FAIL, answer.seen, answer.server, fix, expected)

    if answer.chain and wanted.type == "CNAME" and wanted.value not in answer.chain:
        return fails(wanted.value, f"Change it: {_line(wanted)}")
    if answer.outcome is Outcome.FOUND:
        return None
    if answer.chain:
        way = " → ".join([*answer.chain, key.record.render()])
        return fails(way, publish_fix(key.domain))
    return fails(wanted.value, f"Publish: {_line(wanted)}")


def publish_fix(domain: str) -> str:
    """What the operator does about a record in its own zone, whichever way its name servers get theirs."""
    return f"Run: provisioner dns publish {domain}; or bring 'provisioner dns export' to the name servers"


def _line(wanted: Record) -> str:
    value = f'"{wanted.value}"' if wanted.type == "TXT" else wanted.value
    return f"{wanted.name} {wanted.type} {value}"


def _wrong_record(key: DkimKey, wanted: Record, answer: Answer) -> Finding | None:
    """What is wrong with a record that is not that of the key held."""
    seen = _unlike(key, answer)
    fix = publish_fix(key.domain) if answer.chain else f"Replace it by: {_line(wanted)}"
    ours = key.record.render()
    return Finding("dkim", wanted.name, Status.FAIL, seen, answer.server, fix, ours) if seen else None


def _unlike(key: DkimKey, answer: Answer) -> str:
    """Why the record is not that of the key held; empty when it is."""
    if len(answer.values) > 1:
        return f"{len(answer.values)} TXT records where one has to be"
    try:
        record = parse_record(answer.values[0])
    except DkimRecordError as error:
        return f"{answer.seen}: {error}"
    same = record.key_type == key.algorithm and decode_base64(record.public) == decode_base64(key.public)
    reasons = {
        "the key is revoked (empty p=)": not record.public,
        f"another key than the one held: {answer.seen}": not same,
        "t=y: verifiers treat its mail as unsigned": record.testing,
        "h= excludes sha256": bool(record.hashes) and "sha256" not in record.hashes,
        "s= excludes e-mail": bool(record.services) and not {"*", "email"} & set(record.services),
    }
    return next((reason for reason, wrong in reasons.items() if wrong), "")


def _strength(key: DkimKey, wanted: Record, answer: Answer) -> Finding:
    status, fix, size = Status.PASS, "", ""
    if key.algorithm is Algorithm.RSA:
        bits = rsa_bits(decode_base64(key.public)) or 0
        size = f", {bits} bits"
        if bits < RSA_GOOD_BITS:
            status = Status.WARN if bits >= RSA_LEAST_BITS else Status.FAIL
            fix = f"Make a key of {RSA_GOOD_BITS} bits: provisioner dkim rotate {key.domain} --apply"
    seen = " → ".join([*answer.chain, f"the key held ({key.algorithm.value}{size})"])
    least = f"{RSA_GOOD_BITS} bits" if fix else key.record.render()
    return Finding("dkim", wanted.name, status, seen, answer.server, fix, least)
