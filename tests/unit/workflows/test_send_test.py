from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from provisioner.core.errors import UsageError
from provisioner.core.fleet import Host
from provisioner.workflows.customer import known
from provisioner.workflows.probe import Login
from provisioner.workflows.send_test import Followed, Hop, send_and_follow, sending_domain
from tests.samples import inventory as sample

ID = "4jXxsy69n9zDmHW"
SENT = (
    f"Nov 23 07:49:31 be1 postfix/smtp[71]: {ID}: to=<a@gmail.test>, "
    "relay=mx.gmail.test[10.77.0.61]:25, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok)"
)
DEFERRED = SENT.replace("dsn=2.0.0, status=sent (250 2.0.0 Ok)", "dsn=4.2.0, status=deferred (450 later)")


@dataclass(frozen=True)
class Taken:
    reply: str
    queue_id: str | None
    tls: str = "TLSv1.3"
    seconds: float = 0.1


def follow(
    root: Path, looks: list[Mapping[str, list[str]]], queue_id: str | None = ID
) -> tuple[Followed, list[Hop]]:
    """Send to a@gmail.test; each look at the logs sees the next of `looks`, the last one for ever."""
    told: list[Hop] = []

    def submit(_login: Login, sender: str, _to: Sequence[str], message: EmailMessage) -> Taken:
        assert sender == "postmaster@acme.example"
        assert message["From"].endswith("<postmaster@acme.example>")
        return Taken("2.0.0 Ok", queue_id)

    def read(hosts: Sequence[Host], _id: str) -> Mapping[str, list[str]]:
        assert [host.name for host in hosts] == ["be1", "be2"]
        return looks.pop(0) if len(looks) > 1 else looks[0]

    followed = send_and_follow(
        sample(root),
        "acme.example",
        ["a@gmail.test"],
        nullcontext(Login("probe", "secret")),
        submit,
        read,
        told.append,
        patience=0.7,
    )
    return followed, told


def test_followed_to_the_receiver(tmp_path: Path) -> None:
    followed, told = follow(tmp_path, [{"be1": [SENT]}])
    assert followed.delivered
    assert [(hop.stage, hop.place) for hop in told] == [
        ("submitted", "smtp.operator.example"),
        ("queued", "be1"),
        ("delivered", "mx.gmail.test[10.77.0.61]:25"),
    ]


def test_an_attempt_that_was_put_off_is_told_and_then_the_one_that_worked(tmp_path: Path) -> None:
    followed, told = follow(tmp_path, [{"be1": [DEFERRED]}, {"be1": [DEFERRED, SENT]}])
    assert [hop.stage for hop in told] == ["submitted", "queued", "deferred", "delivered"]
    assert followed.delivered


def test_no_attempt_within_the_time_is_not_delivered(tmp_path: Path) -> None:
    followed, told = follow(tmp_path, [{}])
    assert not followed.delivered
    assert told[-1].stage == "waiting"


def test_an_answer_without_a_queue_id_can_not_be_followed(tmp_path: Path) -> None:
    followed, _ = follow(tmp_path, [{"be1": [SENT]}], queue_id=None)
    assert not followed.delivered


def test_only_the_customers_own_domains_are_sent_as(tmp_path: Path) -> None:
    inventory = sample(tmp_path)
    acme = known(inventory, "acme")
    assert sending_domain(inventory, acme, None) == "acme.example"
    assert sending_domain(inventory, acme, "shop.acme.example") == "shop.acme.example"
    with pytest.raises(UsageError):
        sending_domain(inventory, acme, "globex.example")
