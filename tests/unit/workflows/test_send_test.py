# ruff: noqa: E501 - lines as Postfix writes them
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
TAKEN = (
    f"Nov 23 07:49:30 fe2 postfix/submission587/smtpd[9]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as {ID}; "
    "from=<postmaster@acme.example> to=<a@gmail.test> proto=ESMTP helo=<operator>"
)
HANDED = (
    f"Nov 23 07:49:30 be1 postfix/customers/cleanup[7]: {ID}: info: header Received: from fe2.operator.example "
    "(unknown [192.0.2.22])??(using TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits)) from "
    "unknown[192.0.2.22]; from=<postmaster@acme.example> to=<a@gmail.test> proto=ESMTP helo=<fe2.operator.example>"
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
) -> tuple[Followed, list[Hop], list[list[str]]]:
    """Send to a@gmail.test; each look at the logs sees the next of `looks`, the last one for ever."""
    told: list[Hop] = []
    asked: list[list[str]] = []

    def submit(_login: Login, sender: str, _to: Sequence[str], message: EmailMessage) -> Taken:
        assert sender == "postmaster@acme.example"
        assert message["From"].endswith("<postmaster@acme.example>")
        return Taken("2.0.0 Ok", queue_id)

    def read(hosts: Sequence[Host], _id: str) -> Mapping[str, list[str]]:
        asked.append([host.name for host in hosts])
        return looks.pop(0) if len(looks) > 1 else looks[0]

    followed = send_and_follow(
        sample(root),
        "acme.example",
        ["a@gmail.test"],
        nullcontext(Login("probe", "secret")),
        submit,
        read,
        told.append,
        patience=1.2,
    )
    return followed, told, asked


def test_each_hop_is_told(tmp_path: Path) -> None:
    followed, told, _ = follow(tmp_path, [{"fe2": [TAKEN], "be1": [HANDED, SENT]}])
    assert followed.delivered
    assert [(hop.stage, hop.place, hop.tls) for hop in told] == [
        ("submitted", "smtp.operator.example → fe2", "TLSv1.3"),
        ("handed over", "be1", "TLSv1.2"),
        ("queued", "be1", ""),
        ("delivered", "mx.gmail.test[10.77.0.61]:25", ""),
    ]


def test_a_frontend_that_is_gone_since_is_not_named(tmp_path: Path) -> None:
    followed, told, _ = follow(tmp_path, [{"be1": [SENT]}])
    assert followed.delivered
    assert told[0].place == "smtp.operator.example"
    assert told[1] == Hop("handed over", "be1", "")


def test_an_attempt_that_was_put_off_is_told_and_then_the_one_that_worked(tmp_path: Path) -> None:
    followed, told, _ = follow(tmp_path, [{"be1": [DEFERRED]}, {"be1": [DEFERRED, SENT]}])
    assert [hop.stage for hop in told] == ["submitted", "handed over", "queued", "deferred", "delivered"]
    assert followed.delivered


def test_only_the_backend_that_has_it_is_asked_again(tmp_path: Path) -> None:
    _, _, asked = follow(tmp_path, [{}, {"be1": [DEFERRED]}, {"be1": [SENT]}])
    assert asked == [["fe1", "fe2", "be1", "be2"], ["be1", "be2"], ["be1"]]


def test_no_attempt_within_the_time_is_not_delivered(tmp_path: Path) -> None:
    followed, told, _ = follow(tmp_path, [{}])
    assert not followed.delivered
    assert told[-1].stage == "waiting"


def test_an_answer_without_a_queue_id_can_not_be_followed(tmp_path: Path) -> None:
    followed, told, asked = follow(tmp_path, [{"be1": [SENT]}], queue_id=None)
    assert not followed.delivered
    assert [hop.stage for hop in told] == ["submitted"]
    assert not asked


def test_only_the_customers_own_domains_are_sent_as(tmp_path: Path) -> None:
    inventory = sample(tmp_path)
    acme = known(inventory, "acme")
    assert sending_domain(inventory, acme, None) == "acme.example"
    assert sending_domain(inventory, acme, "shop.acme.example") == "shop.acme.example"
    with pytest.raises(UsageError):
        sending_domain(inventory, acme, "globex.example")
