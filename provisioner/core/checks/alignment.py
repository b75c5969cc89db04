"""Whether what a receiver authenticates is the domain that its user reads in From: (RFC 7489 3.1)."""

from __future__ import annotations

from collections.abc import Collection

from provisioner.core.dmarc import DmarcPolicy, organisational
from provisioner.core.findings import Finding, Status


def check_alignment(
    domain: str,
    policy: DmarcPolicy,
    *,
    signed: bool,
    below: bool,
    allowed: Collection[str],
    used: Collection[str] | None = None,
) -> Finding:
    """Whether mail From: a domain aligns by its signature, and by its return path too.

    signed: it is signed as the domain; below: so is mail From: names below it. allowed: the domains in which
    the fleet takes return paths with it; used: those that were seen to be used, None where nobody looked.
    """

    def finding(status: Status, seen: str, fix: str = "", expected: str = "") -> Finding:
        return Finding("alignment", domain, status, seen, "", fix, expected or f"d={domain}")

    if not signed:
        fix = f"Have a key made, published and used: provisioner dkim rotate {domain} --apply --wait"
        return finding(Status.FAIL, f"nothing is signed as {domain}", fix)
    if below and policy.strict_dkim:
        fix = "Take adkim=s out of the DMARC record, or have no names below the domain write"
        seen = f"adkim=s: mail From: names below is signed as {domain}, which is not exactly theirs"
        return finding(Status.FAIL, seen, fix, "adkim=r")
    if used is None:
        return finding(Status.PASS, _may_align(domain, policy, allowed))
    good, away = _split(domain, used, strict=policy.strict_spf)
    if away and not good:
        fix = f"Use a return path in {domain}; the signature alone has to carry DMARC now"
        seen = f"d={domain} aligns; no return path seen does: they are in {away}"
        return finding(Status.WARN, seen, fix, f"a return path in {domain}")
    if good:
        return finding(Status.PASS, f"d={domain} and return paths in {good} are From:'s domain")
    return finding(Status.PASS, f"d={domain} is From:'s domain; no return path was seen in use")


def _may_align(domain: str, policy: DmarcPolicy, allowed: Collection[str]) -> str:
    """What is known of return paths before one was seen."""
    _, away = _split(domain, allowed, strict=policy.strict_spf)
    if not away:
        return f"d={domain} and every return path that it may have are From:'s domain"
    return f"d={domain} is From:'s domain; return paths in {away} would not be; --live tells which it uses"


def _split(domain: str, others: Collection[str], *, strict: bool) -> tuple[str, str]:
    """Which domains align with this one, and which do not, for people."""
    good = [each for each in sorted(others) if _aligned(domain, each, strict=strict)]
    return ", ".join(good), ", ".join(each for each in sorted(others) if each not in good)


def _aligned(domain: str, other: str, *, strict: bool) -> bool:
    return other == domain if strict else organisational(other) == organisational(domain)
