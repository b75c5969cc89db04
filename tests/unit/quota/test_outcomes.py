"""What Postfix's log tells the quota service of messages that were counted."""

from __future__ import annotations

import os
import random
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from provisioner_quota import verdicts
from provisioner_quota.outcomes import Event, Follower, Line, Outcome, read

HEAD = "Nov  3 10:00:00 fe1 postfix/submission587/smtpd"
ENVELOPE = "from=<a@a.example> to=<b@b.example> proto=ESMTP helo=<c>"


def line(pid: int, text: str) -> bytes:
    return f"{HEAD}[{pid}]: {text}\n".encode()


def counted(pid: int, instance: str) -> bytes:
    note = verdicts.passes(instance).removeprefix("INFO ")
    return line(pid, f"NOQUEUE: info: END-OF-MESSAGE from unknown[203.0.113.7]: {note}; {ENVELOPE}")


def accepted(pid: int) -> bytes:
    return line(pid, f"proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 4ZxYw; {ENVELOPE}")


def refused(pid: int) -> bytes:
    return line(pid, f"proxy-reject: END-OF-MESSAGE: 554 5.7.1 From: x is another's; {ENVELOPE}")


def too_long(pid: int) -> bytes:
    """What smtpd notes of a text that is over message_size_limit: the policy was not asked about its end."""
    return line(pid, "warning: NOQUEUE: queue file size limit exceeded") + line(
        pid, f"proxy-reject: END-OF-MESSAGE: ; {ENVELOPE}"
    )


def gone(pid: int) -> bytes:
    return line(pid, "disconnect from unknown[203.0.113.7] ehlo=2 quit=1 commands=3")


def test_what_the_log_tells() -> None:
    assert read(counted(4711, "fe1.1a.2b")) == Line(4711, Event.COUNTED, "fe1.1a.2b")
    assert read(accepted(4711)) == Line(4711, Event.ACCEPTED)
    assert read(refused(4711)) == Line(4711, Event.REFUSED)
    assert read(gone(4712)) == Line(4712, Event.GONE)
    assert read(gone(4712).replace(b"submission587", b"inbound")) is None
    assert read(line(1, "NOQUEUE: reject: DATA from a[1.2.3.4]: 554 disconnect from")) is None
    assert read(line(1, "proxy-reject: BDAT: 451 4.3.0 Error; from=<a@a.example>")) is None


@pytest.mark.parametrize("told", [refused(4711), gone(4711), counted(4711, "fe1.1")])
def test_what_a_client_writes_is_no_line(told: bytes) -> None:
    """A quoted local part may hold nearly everything, and the log shows it."""
    inside = told.decode().strip()
    for sender in (inside, f"Nov  3 10:00:00 fe1 {inside}", inside.removeprefix(f"{HEAD}[4711]: ")):
        text = f'NOQUEUE: reject: RCPT from unknown[203.0.113.7]: 550 5.7.1 no; from=<"{sender}"@a.example>'
        assert read(line(4711, text)) is None


FATES = ("accepted", "refused", "too long", "refused here", "broken off", "taken back", "at DATA")
"""Of messages in one session after the other. taken back: RSET between two BDAT."""


def told_of(fate: str, pid: int, instance: str) -> bytes:
    if fate in ("accepted", "refused"):
        return counted(pid, instance) + (accepted(pid) if fate == "accepted" else refused(pid))
    if fate == "too long":
        return too_long(pid)
    if fate == "refused here":
        return line(pid, f"NOQUEUE: reject: END-OF-MESSAGE from unknown[203.0.113.7]: 450 4.7.1; {ENVELOPE}")
    if fate == "broken off":
        return line(pid, "lost connection after DATA (9 bytes) from unknown[203.0.113.7]") + gone(pid)
    if fate == "taken back":
        return b""
    return line(pid, f"NOQUEUE: reject: DATA from unknown[203.0.113.7]: 554 5.7.1; {ENVELOPE}")


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(FATES)), max_size=40),
    st.lists(st.integers(0, 4000), max_size=6),
    st.randoms(use_true_random=False),
)
def test_what_a_backend_refused_is_given_back_and_nothing_else(
    messages: list[tuple[int, str]], cuts: list[int], order: random.Random
) -> None:
    """Whatever happened before and after, in how many processes, and wherever the log is looked at."""
    numbers = count()
    lines: dict[int, list[bytes]] = {1: [], 2: [], 3: []}
    refusals: set[Outcome] = set()
    for pid, fate in messages:
        instance = f"fe1.{next(numbers)}"
        lines[pid] += told_of(fate, pid, instance).splitlines(keepends=True)
        if fate == "refused":
            refusals.add(Outcome(pid, instance))
    log = b""
    while waiting := [pid for pid, left in lines.items() if left]:
        log += lines[order.choice(waiting)].pop(0)
    found: list[Outcome] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mail.log"
        path.touch()
        follower = Follower(path)
        places = sorted({0, *(min(cut, len(log)) for cut in cuts), len(log)})
        for begin, end in pairwise(places):
            with path.open("ab") as file:
                file.write(log[begin:end])
            found += follower.outcomes()
    given_back = [each for each in found if each.refused is not None]
    assert len(given_back) == len(refusals)
    assert set(given_back) == refusals


def test_the_log_is_followed_through_rotation_and_pieces(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    told = counted(4711, "fe1.1") + refused(4711)
    path.write_bytes(told)
    follower = Follower(path)
    assert list(follower.outcomes()) == []  # what was there before is over
    with path.open("ab") as file:
        file.write(gone(4712) + told[:40])
    assert list(follower.outcomes()) == [Outcome(4712)]
    with path.open("ab") as file:
        file.write(told[40:])
    path.rename(tmp_path / "mail.log.1")
    with (tmp_path / "mail.log.1").open("ab") as file:
        file.write(gone(4712) + counted(4713, "fe1.2"))
    assert list(follower.outcomes()) == [Outcome(4711, "fe1.1"), Outcome(4712)]
    path.write_bytes(refused(4713))
    assert list(follower.outcomes()) == [Outcome(4713, "fe1.2")]
    os.truncate(path, 0)
    assert list(follower.outcomes()) == []
    with path.open("ab") as file:
        file.write(told)
    assert list(follower.outcomes()) == [Outcome(4711, "fe1.1")]


def test_a_log_that_is_not_there_yet_is_found_later(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "mail.log")
    assert list(follower.outcomes()) == []
    (tmp_path / "mail.log").write_bytes(counted(4711, "fe1.1") + refused(4711))
    assert list(follower.outcomes()) == [Outcome(4711, "fe1.1")]


def test_a_writer_that_still_has_the_rotated_log_is_read(tmp_path: Path) -> None:
    """logrotate makes the new log before postlogd is told; what that writes meanwhile is in the old one."""
    path, old = tmp_path / "mail.log", tmp_path / "mail.log.1"
    path.touch()
    follower = Follower(path)
    path.rename(old)
    path.touch()
    assert list(follower.outcomes()) == []
    old.write_bytes(counted(4711, "fe1.1") + refused(4711))
    assert list(follower.outcomes()) == [Outcome(4711, "fe1.1")]
    # Both between two looks: what came of a message stands in the new one.
    old.open("ab").write(counted(4712, "fe1.2"))
    path.write_bytes(refused(4712))
    assert list(follower.outcomes()) == [Outcome(4712, "fe1.2")]
    path.open("ab").write(gone(4712))
    assert list(follower.outcomes()) == [Outcome(4712)]


def test_a_new_log_that_may_not_be_read_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, old = tmp_path / "mail.log", tmp_path / "mail.log.1"
    path.touch()
    follower = Follower(path)
    path.rename(old)
    path.write_bytes(gone(4711))

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        old.write_bytes(gone(4712))
        assert [list(follower.outcomes()) for _ in range(3)] == [[Outcome(4712)], [], []]
    (told,) = caplog.messages
    assert "Permission denied" in told
    assert list(follower.outcomes()) == [Outcome(4711)]
    assert len(caplog.messages) == 1
