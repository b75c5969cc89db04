"""The linters begin with the first test of the whole run, and go on beside those that come before theirs."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LINTERS = re.findall(r"^LINTERS := (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)[0].split()
TIME_LIMIT = 900.0
"""Seconds for one linter; the slowest takes two minutes of one core."""

POOL = pytest.StashKey[ThreadPoolExecutor]()
COMPLAINTS = pytest.StashKey[dict[str, Future[str]]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    wanted = [
        str(item.callspec.params["linter"])
        for item in session.items
        if isinstance(item, pytest.Function) and item.originalname == "test_the_linter_is_content"
    ]
    if wanted and not session.config.option.collectonly:
        pool = session.config.stash[POOL] = ThreadPoolExecutor(1)
        session.config.stash[COMPLAINTS] = {name: pool.submit(_complaint, name) for name in wanted}


def pytest_sessionfinish(session: pytest.Session) -> None:
    pool = session.config.stash.get(POOL, None)
    if pool is not None:
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def complaint(linter: str, request: pytest.FixtureRequest) -> str:
    """What a linter has to say; empty when it is content."""
    return request.config.stash[COMPLAINTS][linter].result()


def _complaint(linter: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", linter],
        cwd=PROJECT,
        env=environment | {"NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout[-8000:]
