"""What a host says of its certificates: the program that runs there, run here over a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from provisioner.adapters import pki
from provisioner.core.certificates import CERTIFICATE_LIFE

PROGRAM = resources.files("provisioner.adapters").joinpath("remote_health.py").read_text()
FOLDER = "/etc/provisioner/tls"
NOW = datetime.now(UTC)
AUTHORITY = pki.make_authority("test", NOW)


def said(folder: Path) -> dict[str, Any]:
    program = PROGRAM.replace(f'"{FOLDER}"', f'"{folder}"')
    assert program != PROGRAM
    done = subprocess.run(
        [sys.executable, "-", "192.0.2.10"], input=program, capture_output=True, text=True, check=True
    )
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def put(folder: Path, name: str, days: float) -> None:
    """A file with a certificate that ends in so many days; a .pem has the key first, and the chain last."""
    pair = pki.issue(AUTHORITY, ("some.operator.example",), NOW - CERTIFICATE_LIFE + timedelta(days=days))
    whole = pair.certificate if name.endswith(".crt") else pair.key + pair.certificate + AUTHORITY.certificate
    (folder / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("files", "first", "days"),
    [
        ({"host.crt": 300.5}, "host.crt", 300),
        ({"host.crt": 300.5, "submission.pem": 12.5}, "submission.pem", 12),
        ({"host.crt": 30.5, "submission.pem": 60.5, "mta-sts.pem": 5.5}, "mta-sts.pem", 5),
        ({"host.crt": 30.5, "handover.pem": 30.5}, "host.crt", 30),
        ({"host.crt": 30.5, "submission.pem": -2.5}, "submission.pem", -3),
        ({"submission.pem": 60.5}, "host.crt", None),
        ({}, "host.crt", None),
    ],
)
def test_the_certificate_that_ends_first_is_named(
    tmp_path: Path, files: dict[str, float], first: str, days: int | None
) -> None:
    (tmp_path / "ca.crt").write_bytes(AUTHORITY.certificate)
    (tmp_path / "host.key").write_text("no certificate")
    for name, left in files.items():
        put(tmp_path, name, left)
    facts = said(tmp_path)
    assert (facts["certificate"], facts["certificate_days"]) == (first, days)
