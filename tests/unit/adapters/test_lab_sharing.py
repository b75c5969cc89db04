"""Labs beside each other: what they share goes with the last one, and is made once."""

from __future__ import annotations

import threading
from pathlib import Path

from provisioner.adapters.lab.sharing import at_work, one_at_a_time


def test_the_last_one_alone_may_tidy_up(tmp_path: Path) -> None:
    with at_work(tmp_path) as first:
        with at_work(tmp_path) as second:
            assert not first()
            assert not second()
        assert first()


def test_who_comes_while_it_is_tidied_up_waits(tmp_path: Path) -> None:
    came = threading.Event()

    def come() -> None:
        with at_work(tmp_path):
            came.set()

    other = threading.Thread(target=come)
    with at_work(tmp_path) as is_the_only:
        assert is_the_only()
        other.start()
        assert not came.wait(0.2)
    assert came.wait(5)
    other.join()


def test_one_makes_what_all_share(tmp_path: Path) -> None:
    at_once: list[int] = []
    inside = threading.Lock()

    def make() -> None:
        with one_at_a_time(tmp_path):
            at_once.append(0 if inside.acquire(blocking=False) else 1)
            inside.release()

    makers = [threading.Thread(target=make) for _ in range(8)]
    for each in makers:
        each.start()
    for each in makers:
        each.join()
    assert at_once == [0] * 8
