"""A small valid inventory, and ways to write it to disk and to break it."""

from __future__ import annotations

from pathlib import Path

from provisioner.adapters import vault
from provisioner.adapters.inventory_files import load
from provisioner.core.fleet import Inventory

PASSWORD = "the-password-of-the-vault"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

FLEET = """\
---
fleet_name: test
fleet_domain: operator.example
fleet_submission_name: smtp.operator.example
fleet_virtual_address: 192.0.2.10
fleet_bounce_domain: bounce.operator.example
fleet_spf_name: _spf.operator.example
fleet_dkim_zone: dkim.operator.example
fleet_postmaster: hostmaster@mailbox.test
fleet_dns_primary: 192.0.2.53
fleet_tls_reports: tls-reports@operator.example
fleet_mta_sts: testing
"""

HOSTS = """\
---
all:
  children:
    loadbalancers:
      hosts:
        lb1: {ansible_host: 192.0.2.11}
    frontends:
      hosts:
        fe1: {ansible_host: 192.0.2.21}
        fe2: {ansible_host: 192.0.2.22}
    backends:
      hosts:
        be1: {ansible_host: 192.0.2.31}
        be2:
          ansible_host: 192.0.2.32
          egress_addresses: [198.51.100.32, "2001:db8::32"]
    state:
      hosts:
        state1: {ansible_host: 192.0.2.41}
    nameservers:
      hosts:
        dns1: {ansible_host: 192.0.2.53}
"""

ACME = f"""\
---
# The first customer.
contact: postmaster@acme.example
plan: base
domains:
  - acme.example
  - shop.acme.example
accounts:
  - login: acme-web
    password_hash: {HASH}
  - login: acme-shop
    password_hash: {HASH}
"""

GLOBEX = f"""\
---
contact: it@globex.example
plan: business
domains:
  - globex.example
accounts:
  - login: globex
    password_hash: {HASH}
"""


def write(root: Path, **changes: str | None) -> Path:
    """Write the sample inventory; `changes` replaces a file's text by its key below, None leaves it out."""
    files = {
        "fleet": ("group_vars/all/fleet.yml", FLEET),
        "hosts": ("hosts.yml", HOSTS),
        "acme": ("customers/acme.yml", ACME),
        "globex": ("customers/globex.yml", GLOBEX),
        "plans": ("plans.yml", None),
        "password": (vault.DEFAULT_FILE, PASSWORD + "\n"),
    }
    for key, (name, text) in files.items():
        content = changes.get(key, text)
        if content is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
    if (root / vault.DEFAULT_FILE).exists():
        (root / vault.DEFAULT_FILE).chmod(0o600)
    return root


def inventory(root: Path, **changes: str | None) -> Inventory:
    """The sample inventory, written and loaded."""
    return load(write(root, **changes))


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file below a directory with its content, to show that nothing changed."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }
