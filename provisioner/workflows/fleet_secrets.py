"""Everything secret that a fleet needs before it is deployed: made when missing, renewed when due."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime

from provisioner.core.certificates import CertificateInfo, host_names, reissue_reason
from provisioner.core.fleet import Inventory
from provisioner.core.inbound_tls import policy_host
from provisioner.workflows.ports import SecretStore

SUBMISSION, MTA_STS = "submission", "mta-sts"
TSIG_BYTES = 32
"""As long as HMAC-SHA256's output (RFC 8945 6)."""


@dataclass(frozen=True)
class SecretsReport:
    """What was made, one sentence each; empty when everything was there. due: what was to be replaced."""

    made: tuple[str, ...]
    due: tuple[str, ...] = ()


def ensure_secrets(
    inventory: Inventory, store: SecretStore, now: datetime, *, only_missing: bool = False
) -> SecretsReport:
    """Make what is missing or due of vault password, secret variables, authority and certificates.

    only_missing: leave certificates that are due as they are, for a look that shall change nothing.
    Idempotent. Of those that the world sees, a certificate that another authority made is left alone.
    Raises VaultError when the vault password cannot be read or does not fit.
    """
    made: list[str] = []
    due: list[str] = []

    def certificate(name: str, names: tuple[str, ...], known: CertificateInfo | None) -> None:
        reason = reissue_reason(known, names, now)
        if not reason:
            return
        if only_missing and known is not None:
            due.append(f"the certificate {name} ({reason})")
            return
        store.issue(name, names, now)
        made.append(f"the certificate {name} ({reason})")

    if store.ensure_password():
        made.append("the vault password")
    variables = store.ensure_variables(
        {
            "vault_state_password": lambda: secrets.token_urlsafe(32),
            "vault_state_bounces_password": lambda: secrets.token_urlsafe(32),
            "vault_dns_tsig_secret": lambda: base64.b64encode(secrets.token_bytes(TSIG_BYTES)).decode(),
        }
    )
    made += [f"the secret variable {name}" for name in variables]
    if store.authority() is None:
        store.make_authority(inventory.settings.name, now)
        made.append("the fleet's certificate authority")
    for host in inventory.hosts:
        name = f"hosts/{host.name}"
        certificate(name, host_names(inventory, host), store.certificate(name))
    settings = inventory.settings
    public = {SUBMISSION: settings.submission_name}
    if settings.mta_sts != "none":
        public[MTA_STS] = policy_host(settings.bounce_domain)
    for name, public_name in public.items():
        own = store.certificate(name)
        if own is None or own.by_fleet:
            certificate(name, (public_name,), own)
    return SecretsReport(tuple(made), tuple(due))
