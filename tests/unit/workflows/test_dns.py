from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.errors import UsageError
from provisioner.core.fleet import Inventory
from provisioner.workflows import dkim, dns
from tests import samples
from tests.fakes import key_maker


def fleet(root: Path) -> Inventory:
    store = TenantFiles(samples.write(root))
    dkim.generate(store, key_maker, "acme.example", datetime(2025, 1, 2, tzinfo=UTC))
    return store.load()


def test_a_domain_of_nobody(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="belongs to no customer"):
        dns.expected(fleet(tmp_path), "elsewhere.example")
