"""The readiness report as one page that needs nothing else, from `templates/readiness`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Literal

import idna
from jinja2 import Template

from provisioner.adapters.templates import environment
from provisioner.core.difference import Part, difference
from provisioner.core.findings import Finding, worst_first

Language = Literal["en", "it"]


def page(reports: Mapping[str, Sequence[Finding]], language: Language, now: datetime, profile: str) -> str:
    """The reports by subject, worst finding first, in the customer's language."""
    return _template().render(
        language=language,
        reports={readable(name): worst_first(found) for name, found in reports.items()},
        now=now,
        profile=profile,
        marked=_marked,
    )


def readable(name: str) -> str:
    """A domain as its owner writes it."""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


def _marked(finding: Finding) -> tuple[Part, ...]:
    return difference(finding.expected, finding.seen)


@cache
def _template() -> Template:
    return environment("readiness").get_template("page.html.j2")
