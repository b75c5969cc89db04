"""Whether what a receiver authenticates is the domain that its user reads in From: (RFC 7489 3.1)."""

from __future__ import annotations

from provisioner.core.dmarc import DmarcPolicy, organisational
from provisioner.core.findings import Finding, Status


def check_alignment(
    domain: str, policy: DmarcPolicy, *, signed_as: str, envelope: str, below: bool
) -> Finding:
    """Whether mail From: a domain aligns by its signature, and by its return path too.

    signed_as: what `d=` says; envelope: the return path's domain; below: names below the domain also write,
    and are signed as it.
    """
    if not _aligned(domain, signed_as, strict=policy.strict_dkim):
        fix = f"Sign as {domain}: provisioner dkim rotate {domain} --apply"
        return Finding(
            "alignment", domain, Status.FAIL, f"signed as {signed_as}, not as {domain}", "", fix, domain
        )
    if below and policy.strict_dkim:
        fix = "Take adkim=s out of the DMARC record, or have no names below the domain write"
        seen = f"adkim=s: mail From: names below is signed as {domain}, which is not exactly theirs"
        return Finding("alignment", domain, Status.FAIL, seen, "", fix, "adkim=r")
    if not _aligned(domain, envelope, strict=policy.strict_spf):
        fix = f"Use a return path in {domain}; the signature alone has to carry DMARC now"
        seen = f"d={signed_as} aligns; the return path's domain {envelope} does not"
        return Finding("alignment", domain, Status.WARN, seen, "", fix, domain)
    return Finding(
        "alignment", domain, Status.PASS, f"d={signed_as} and return path {envelope} are From:'s domain"
    )


def _aligned(domain: str, other: str, *, strict: bool) -> bool:
    return other == domain if strict else organisational(other) == organisational(domain)
