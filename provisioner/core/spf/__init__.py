"""SPF (RFC 7208): records, macros, and whether a domain lets an address send."""

from provisioner.core.spf.evaluation import MAX_LOOKUPS, MAX_VOID, SpfVerdict, evaluate, with_answer
from provisioner.core.spf.terms import SpfRecord, SpfResult, SpfSyntaxError, is_spf, parse

__all__ = [
    "MAX_LOOKUPS",
    "MAX_VOID",
    "SpfRecord",
    "SpfResult",
    "SpfSyntaxError",
    "SpfVerdict",
    "evaluate",
    "is_spf",
    "parse",
    "with_answer",
]
