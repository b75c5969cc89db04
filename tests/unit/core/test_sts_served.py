"""The policy that load balancers serve is the one that its record's id is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from provisioner.core.inbound_tls import policy_text

ROLE = Path(__file__).parents[3] / "roles/loadbalancer"


@pytest.mark.parametrize("mode", ["testing", "enforce"])
def test_it_is_served_as_it_is_announced(mode: str) -> None:
    template = (ROLE / "templates/etc/haproxy/mta-sts.txt.j2").read_text()
    facts = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    facts |= {"loadbalancer_mta_sts": mode, "loadbalancer_submission_name": "smtp.operator.example"}
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML
    assert environment.from_string(template).render(facts) == policy_text(mode, "smtp.operator.example")
