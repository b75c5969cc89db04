"""Compare what DNS ought to say with what it says. Pure: DNS is passed in, findings come out.

A server that fails or keeps silent makes a finding *unknown*: never right, and never missing.
"""

from provisioner.core.checks.alignment import check_alignment
from provisioner.core.checks.blocklists import check_blocklist
from provisioner.core.checks.dkim import check_dkim, check_signing
from provisioner.core.checks.dmarc import Dmarc, check_dmarc
from provisioner.core.checks.dnssec import check_dnssec
from provisioner.core.checks.egress import check_egress
from provisioner.core.checks.mailbox import check_replies
from provisioner.core.checks.one_click import LinkAnswer, check_headers, check_link, not_probed
from provisioner.core.checks.records import check_records, unknown
from provisioner.core.checks.reporting import check_policy, check_reporting
from provisioner.core.checks.spam_rate import check_spam_rate
from provisioner.core.checks.spf import check_spf
from provisioner.core.checks.tls import TlsSeen, check_tls
from provisioner.core.checks.zone import check_ttl, check_zone

__all__ = [
    "Dmarc",
    "LinkAnswer",
    "TlsSeen",
    "check_alignment",
    "check_blocklist",
    "check_dkim",
    "check_dmarc",
    "check_dnssec",
    "check_egress",
    "check_headers",
    "check_link",
    "check_policy",
    "check_records",
    "check_replies",
    "check_reporting",
    "check_signing",
    "check_spam_rate",
    "check_spf",
    "check_tls",
    "check_ttl",
    "check_zone",
    "not_probed",
    "unknown",
]
