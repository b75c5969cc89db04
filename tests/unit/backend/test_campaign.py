"""What a backend's log tells of one list's recipients."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import provisioner_campaign
import pytest
from provisioner_campaign import Campaign

NOON = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
OURS = "acme-dem.news.8f3a01c2+anna=gmail.test@bounce.operator.example"


def mail(
    queue_id: str, *attempts: str, sender: str = OURS, login: str = "acme-dem", at: str = "12:00:05",
    to: str = "Anna@gmail.test",
) -> bytes:  # fmt: skip
    host = f"Nov 23 {at} be1 postfix"
    found = [
        f"{host}/customers/cleanup[10]: {queue_id}: info: header X-Provisioner-Account: {login} from "
        f"unknown[203.0.113.9]; from=<{sender}> to=<{to}> proto=ESMTP helo=<h>",
        f"{host}/qmgr[11]: {queue_id}: from=<{sender}>, size=2094, nrcpt=1 (queue active)",
        *(
            f"{host}/google/smtp[12]: {queue_id}: to=<{to}>, relay=mx.gmail.test[192.0.2.1]:25, "
            f"delay=0.1, delays=0/0/0/0.1, {attempt}"
            for attempt in attempts
        ),
    ]
    if "deferred" not in attempts[-1]:
        found.append(f"{host}/qmgr[11]: {queue_id}: removed")
    return "".join(f"{line}\n" for line in found).encode()


SENT = "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4A1)"
BOUNCED = "dsn=5.1.1, status=bounced (host mx said: 550 5.1.1 no such user (in reply to RCPT TO command))"
DEFERRED = "dsn=4.2.0, status=deferred (host mx said: 450 4.2.0 later)"


def told(*texts: bytes) -> dict[str, list[object]]:
    campaign = Campaign(b"acme-dem", b"news", NOON, NOON + 60, NOON + 7200)
    for line in b"".join(texts).splitlines(keepends=True):
        campaign.line(line)
    return campaign.told()


def test_the_last_attempt_counts() -> None:
    assert told(mail("4a1", DEFERRED, SENT)) == {"anna@gmail.test": ["sent", "2.0.0", "", int(NOON) + 5]}
    status, dsn, said, _ = told(mail("4a2", BOUNCED))["anna@gmail.test"]
    assert (status, dsn) == ("bounced", "5.1.1")
    assert said == "host mx said: 550 5.1.1 no such user (in reply to RCPT TO command)"
    assert told(mail("4a3", DEFERRED))["anna@gmail.test"][0] == "deferred"


@pytest.mark.parametrize(
    "other",
    [
        {"sender": OURS.replace(".news.", ".other.")},
        {"sender": OURS.replace(".news.", ".newsletter.")},
        {"login": "globex-dem"},
        {"at": "11:59:59"},
        {"at": "12:01:00"},
        {"sender": "me@acme.example"},
    ],
)
def test_other_mail_does_not_count(other: dict[str, str]) -> None:
    assert told(mail("4a1", SENT, **other)) == {}


def test_a_queue_id_that_comes_again_is_another_message() -> None:
    first, second = mail("4a1", SENT), mail("4a1", BOUNCED, sender="me@acme.example", to="bob@b.test")
    assert list(told(first, second)) == ["anna@gmail.test"]


def test_it_runs_isolated_as_on_a_backend(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    moment = time.strftime("%b %d %H:%M:%S", time.localtime())
    log.write_bytes(mail("4a1", SENT).replace(b"Nov 23 12:00:05", moment.encode()))
    command = [
        sys.executable,
        "-I",
        provisioner_campaign.__file__,
        "acme-dem",
        "news",
        str(time.time()),
        "inf",
        str(log),
    ]
    done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    assert list(json.loads(done.stdout)) == ["anna@gmail.test"]
