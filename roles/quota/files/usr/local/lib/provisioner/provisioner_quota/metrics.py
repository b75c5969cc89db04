"""What Prometheus may read, on the loopback address."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)

DECISIONS = Counter("provisioner_quota_decisions_total", "Answers given to Postfix", ["code"])
SECONDS = Histogram("provisioner_quota_decision_seconds", "From question to answer", buckets=_BUCKETS)
REFUNDS = Counter("provisioner_quota_refunds_total", "Recipients given back: a backend refused the message")
STORE_UP = Gauge("provisioner_quota_store_up", "Whether the counter store answers")
LOGINS = Counter("provisioner_quota_logins_total", "Logins asked about, refused, and failed", ["what"])
JOURNAL = Gauge("provisioner_quota_journal_messages", "Messages accepted and not yet in the counter store")
STORE_FULL = Gauge(
    "provisioner_quota_store_memory_ratio", "How much of its memory the counter store uses: 1 is all"
)


@cache
def decisions(code: str) -> Counter:
    """The counter of the answers that begin with `code`."""
    return DECISIONS.labels(code)
