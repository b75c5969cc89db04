"""Whether signers, inventory and DNS hold the same keys, and which is the odd one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.core.dkim import DkimKey, KeyState
from provisioner.core.findings import Finding, Status

ASKED = frozenset({KeyState.VERIFIED, KeyState.ACTIVE, KeyState.RETIRING, KeyState.REVOKED})
"""States of keys of which DNS has to say the right thing: themselves, or of revoked ones nothing."""


@dataclass(frozen=True)
class SignerKeys:
    """What one signer has. signs: domain → selector → key id. holds: key id → fingerprint of what lies there.

    A fingerprint is what a key's id is: of its public half, made from the private one that is there.
    stray: ids of keys that lie there and no domain there has. away: why it can't be asked; else empty.
    """

    signs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    holds: Mapping[str, str] = field(default_factory=dict)
    stray: Collection[str] = ()
    away: str = ""


def shown(has: SignerKeys, keys: Iterable[DkimKey]) -> bool | None:
    """Whether a signer holds these keys, going by what lies in their files; None: it can't be asked."""
    return None if has.away else all(has.holds.get(key.id) == key.id for key in keys)


def drift(
    keys: Sequence[DkimKey],
    signers: Mapping[str, SignerKeys],
    dns: Mapping[str, Sequence[Finding]],
    private: Mapping[str, str],
    needed: Collection[str],
) -> list[Finding]:
    """One finding a place that is not as the inventory says, or one that all agree, for each key of a domain.

    dns: key id → what servers say of it. private: key id → fingerprint of the inventory's own private half;
    of keys that were not decrypted, nothing. needed: ids of the keys that every signer has to hold.
    """
    found: list[Finding] = []
    for key in keys:
        subject, hosts = f"{key.domain} {key.selector}", signers if key.id in needed else {}
        odd = [*_inventory(key, subject, private), *_signers(key, subject, hosts)]
        odd += _unasked(key, subject, signers, needed)
        odd += [each for each in dns.get(key.id, ()) if each.status in {Status.FAIL, Status.UNKNOWN}]
        found += _blamed(odd, signers) or [_agree(key, subject, hosts, dns)]
    return [*found, *_strangers(keys, signers), *_strays(keys, signers, needed)]


def _inventory(key: DkimKey, subject: str, private: Mapping[str, str]) -> list[Finding]:
    if private.get(key.id, key.id) == key.id:
        return []
    fix = f"Restore keys/{key.domain}.yml from a backup, or replace the key: dkim rotate {key.domain}"
    return [_fail(subject, f"the private half is another key's: {private[key.id][:16]}", "inventory", fix)]


def _signers(key: DkimKey, subject: str, signers: Mapping[str, SignerKeys]) -> list[Finding]:
    found = []
    fix = "Run: provisioner customer push"
    for host, has in signers.items():
        if has.away:
            found.append(Finding("dkim-drift", subject, Status.UNKNOWN, has.away, host))
        elif key.id not in has.holds:
            found.append(_fail(subject, "does not hold it", host, fix))
        elif has.holds[key.id] != key.id:
            repair = f"Remove {key.id}.pem there, then: provisioner customer push"
            found.append(
                _fail(subject, f"holds another key in its place: {has.holds[key.id][:16]}", host, repair)
            )
        elif key.state is KeyState.ACTIVE and has.signs.get(key.domain, {}).get(key.selector) != key.id:
            found.append(_fail(subject, "does not sign with it", host, fix))
    return found


def _strangers(keys: Sequence[DkimKey], signers: Mapping[str, SignerKeys]) -> list[Finding]:
    """Keys that a signer uses for these domains, and the inventory does not."""
    active = {(key.domain, key.selector) for key in keys if key.state is KeyState.ACTIVE}
    return [
        _fail(
            f"{domain} {selector}",
            "signs with it against the inventory",
            host,
            "Run: provisioner customer push",
        )
        for domain in sorted({key.domain for key in keys})
        for host, has in signers.items()
        for selector in has.signs.get(domain, {})
        if (domain, selector) not in active
    ]


def _unasked(
    key: DkimKey, subject: str, signers: Mapping[str, SignerKeys], needed: Collection[str]
) -> list[Finding]:
    """Signers that may still have a key that they are not to have, and do not say."""
    if key.id in needed or key.state is KeyState.GENERATED:
        return []
    return [
        Finding("dkim-drift", subject, Status.UNKNOWN, has.away, host)
        for host, has in signers.items()
        if has.away
    ]


def _strays(
    keys: Sequence[DkimKey], signers: Mapping[str, SignerKeys], needed: Collection[str]
) -> list[Finding]:
    """Private keys that lie at a signer needlessly: revoked ones, of domains that went, unknown ones."""
    names = {key.id: f"{key.domain} {key.selector}" for key in keys}
    return [
        _fail(
            names.get(key, key[:16]),
            "holds it, and nobody needs it there",
            host,
            "Run: provisioner customer push",
        )
        for host, has in signers.items()
        for key in sorted({*has.stray, *(each for each in has.holds if each in names)} - {*needed})
    ]


def _blamed(odd: list[Finding], signers: Mapping[str, SignerKeys]) -> list[Finding]:
    """The findings; where everything else differs from the inventory, that is what is odd."""
    failing = {each.server for each in odd if each.status is Status.FAIL}
    if len(signers) > 1 and failing > set(signers):
        hint = "Signers and DNS differ from the inventory alike: it is the odd one; restore it from a backup"
        return [Finding(e.id, e.subject, e.status, e.seen, e.server, hint) for e in odd]
    return odd


def _agree(
    key: DkimKey, subject: str, signers: Mapping[str, SignerKeys], dns: Mapping[str, Sequence[Finding]]
) -> Finding:
    servers = ["DNS"] if dns.get(key.id) else []
    seen = f"{key.state.value}: {', '.join(['inventory', *sorted(signers), *servers])} agree on {key.id[:16]}"
    return Finding("dkim-drift", subject, Status.PASS, seen)


def _fail(subject: str, seen: str, server: str, fix: str) -> Finding:
    return Finding("dkim-drift", subject, Status.FAIL, seen, server, fix)
