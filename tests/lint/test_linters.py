"""Style, types, and documentation that agrees with the roles: what `make lint` looks at."""

from __future__ import annotations

import pytest

from tests.lint.conftest import LINTERS


@pytest.mark.parametrize("linter", LINTERS)
def test_the_linter_is_content(complaint: str) -> None:
    assert not complaint, complaint
