"""The readiness report as one page that needs nothing else, from `templates/readiness`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Literal

import idna
import yaml
from jinja2 import Template

from provisioner.adapters.templates import ROOT, environment
from provisioner.core.difference import difference
from provisioner.core.findings import Finding, worst_first
from provisioner.core.phrases import Phrases

Language = Literal["en", "it"]


def page(reports: Mapping[str, Sequence[Finding]], language: Language, now: datetime, profile: str) -> str:
    """The reports by subject, worst finding first, in the customer's language."""
    say = _phrases(language).say
    return _template().render(
        language=language,
        reports={readable(name): worst_first(found) for name, found in reports.items()},
        now=now,
        profile=profile,
        marked=lambda finding: difference(say(finding.expected), say(finding.seen)),
        say=say,
        readable=readable,
    )


def readable(name: str) -> str:
    """A domain as its owner writes it."""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


@cache
def _phrases(language: Language) -> Phrases:
    """What checks say, in a language; English is what they speak."""
    if language == "en":
        return Phrases({})
    return Phrases(yaml.safe_load((ROOT / f"readiness/{language}.yml").read_text(encoding="utf-8")))


@cache
def _template() -> Template:
    return environment("readiness").get_template("page.html.j2")
