from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from tests import samples


@pytest.fixture
def store(tmp_path: Path) -> TenantFiles:
    return TenantFiles(samples.write(tmp_path))
