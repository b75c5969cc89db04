from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters.tenant_files import TenantFiles
from provisioner.core.checks import LinkAnswer, TlsSeen
from provisioner.core.dkim import KeyState
from provisioner.core.errors import HostsFailed, UsageError
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Host, Inventory
from provisioner.core.inbound_tls import policy_text
from provisioner.core.probes import ProbeAsk, Probed, Verdict
from provisioner.core.reconciliation import Ledger, LoginMail
from provisioner.workflows import dkim, live
from tests import samples
from tests.fakes import key_maker

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RAW = b"""\
DKIM-Signature: v=1; d=acme.example; s=s1; h=from:list-unsubscribe:list-unsubscribe-post; b=x
List-Unsubscribe: <https://acme.example/u>
List-Unsubscribe-Post: List-Unsubscribe=One-Click

"""


def fleet(root: Path) -> Inventory:
    store = TenantFiles(samples.write(root))
    made = dkim.generate(store, key_maker, "acme.example", datetime(2025, 1, 2, tzinfo=UTC)).made
    with store.locked():
        store.update_keys([key.model_copy(update={"state": KeyState.ACTIVE}) for key in made])
    return store.load()


def tools(
    mailboxes: Mapping[str, tuple[int, str]] | None = None, verdict: Verdict = Verdict.RIGHT
) -> live.Tools:
    asked = mailboxes or {}

    def probe(asks: Sequence[ProbeAsk], hosts: Sequence[Host]) -> list[Probed]:
        return [Probed(ask.domain, host.name, verdict, raw=RAW) for ask in asks for host in hosts]

    def look(address: str, name: str, port: int) -> TlsSeen:
        return TlsSeen(address, port, "TLSv1.3", NOW + timedelta(days=90))

    return live.Tools(
        look,
        lambda address, name, recipient: asked.get(recipient, (250, "2.1.5 Ok")),
        probe,
        lambda: {"acme-web": LoginMail({}, dict.fromkeys(asked, 1))},
        lambda addresses: {address: asked[address] for address in addresses},
        lambda url: dict.fromkeys(("HEAD", "GET"), LinkAnswer(405)) | {"POST": LinkAnswer(200)},
        lambda host, path, address: LinkAnswer(200, policy_text("testing", "smtp.operator.example")),
        lambda: NOW,
    )


def statuses(found: Sequence[Finding]) -> set[Status]:
    return {each.status for each in found}


def test_a_fleet_that_is_right(tmp_path: Path) -> None:
    found = live.fleet(samples.inventory(tmp_path), tools())
    assert statuses(found) == {Status.PASS}
    assert {each.subject for each in found} == {
        "smtp.operator.example:25",
        "smtp.operator.example:465",
        "smtp.operator.example:587",
        "postmaster@bounce.operator.example",
        "https://mta-sts.bounce.operator.example/.well-known/mta-sts.txt",
    }


@pytest.mark.parametrize(
    ("code", "status"), [(250, Status.PASS), (550, Status.FAIL), (451, Status.UNKNOWN), (0, Status.UNKNOWN)]
)
def test_the_bounce_mailbox(tmp_path: Path, code: int, status: Status) -> None:
    answers = {"postmaster@bounce.operator.example": (code, "as it may be")}
    found = live.fleet(samples.inventory(tmp_path), tools(answers))
    (mailbox,) = [each for each in found if each.id == "bounce-mailbox"]
    assert mailbox.status is status
    assert bool(mailbox.fix) == (status is not Status.PASS)


def test_a_return_path_of_an_account_is_asked_too(tmp_path: Path) -> None:
    inventory = samples.inventory(tmp_path)
    acme = inventory.customers[0]
    tagged = acme.accounts[0].model_copy(update={"return_tag": "8f3a01c2"})
    customers = (acme.model_copy(update={"accounts": (tagged, *acme.accounts[1:])}), *inventory.customers[1:])
    path = f"{tagged.login}.probe.8f3a01c2@bounce.operator.example"
    found = live.fleet(replace(inventory, customers=customers), tools({path: (550, "no such user")}))
    told = {each.subject: each.status for each in found if each.id == "bounce-mailbox"}
    assert told == {"postmaster@bounce.operator.example": Status.PASS, path: Status.FAIL}


def test_a_domain_is_probed_at_every_backend_and_its_return_paths_are_asked(tmp_path: Path) -> None:
    answers = {"bounce@acme.example": (250, "ok"), "b@shop.acme.example": (550, "no such user")}
    found = live.domains(fleet(tmp_path), ("acme.example", "shop.acme.example"), tools(answers))
    one = found["acme.example"]
    assert statuses(one) == {Status.PASS}
    assert {each.server for each in one if each.id == "one-click"} == {"be1", "be2"}
    (unsigned, other) = found["shop.acme.example"]
    assert (other.id, other.subject, other.status) == ("bounce-mailbox", "b@shop.acme.example", Status.FAIL)
    assert (unsigned.id, unsigned.status) == ("one-click", Status.FAIL)
    assert "no key signs" in unsigned.seen


def test_a_domain_in_which_no_account_sends_is_not_probed(tmp_path: Path) -> None:
    inventory = samples.inventory(tmp_path, globex=samples.GLOBEX.partition("accounts:")[0])
    (found,) = live.domains(inventory, ("globex.example",), tools())["globex.example"]
    assert (found.id, found.status, "no account" in found.seen) == ("one-click", Status.WARN, True)


def test_a_probe_that_does_not_verify_is_told(tmp_path: Path) -> None:
    found = live.domains(fleet(tmp_path), ("acme.example",), tools(verdict=Verdict.WRONG))
    assert statuses(found["acme.example"]) == {Status.FAIL}


def test_backends_that_do_not_answer_leave_it_in_doubt(tmp_path: Path) -> None:
    def nobody() -> Ledger:
        raise HostsFailed("Not every backend tells what it took: be1: no route")

    lost = replace(tools(verdict=Verdict.DOUBT), senders=nobody)
    found = live.domains(fleet(tmp_path), ("acme.example",), lost)["acme.example"]
    assert statuses(found) == {Status.UNKNOWN}
    assert any("no route" in each.seen for each in found)


def test_only_a_link_of_the_customer_is_asked(tmp_path: Path) -> None:
    inventory = samples.inventory(tmp_path)
    found = live.link(inventory, "acme.example", "https://news.acme.example/u?x=1", tools())
    assert statuses(found) == {Status.PASS}
    for url in (
        "https://globex.example/u",
        "https://acme.example.evil.test/u",
        "https://evilacme.example/u",
        "https://acme.example@192.0.2.1/u",
        "http://acme.example/u",
        "https:///u",
        "https://[",
        "https://acme.example:99999/u",
        "https://-acme.example/u",
        "nonsense",
    ):
        with pytest.raises(UsageError):
            live.link(inventory, "acme.example", url, tools())


@pytest.mark.parametrize("host", ["bücher.example", "news.BÜCHER.example", "xn--bcher-kva.example"])
def test_a_link_may_be_written_as_its_owner_writes_the_domain(tmp_path: Path, host: str) -> None:
    inventory = samples.inventory(tmp_path, globex=samples.GLOBEX.replace("globex.ex", "xn--bcher-kva.ex"))
    url = f"https://{host}/u"
    found = live.link(inventory, "xn--bcher-kva.example", url, tools())
    assert statuses(found) == {Status.PASS}


def test_return_paths_are_those_of_the_logins_that_send_in_a_domain(tmp_path: Path) -> None:
    inventory = samples.inventory(tmp_path)
    mail = {
        "acme-web": LoginMail({}, {"b@Acme.example": 3, "": 1}),
        "acme-shop": LoginMail({}, {"c@shop.acme.example": 1}),
        "gone": LoginMail({}, {"d@globex.example": 1}),
    }
    known = replace(tools(), senders=lambda: mail)
    assert live.return_paths(inventory, ("acme.example", "globex.example"), known) == {
        "acme.example": {"acme.example", "shop.acme.example"},
        "globex.example": frozenset(),
    }


def test_backends_are_read_once_though_they_fail(tmp_path: Path) -> None:
    asked = []

    def nobody() -> Ledger:
        asked.append(1)
        raise HostsFailed("Not every backend tells what it took: be1: no route")

    read = live.read_once(nobody)
    for _ in range(2):
        with pytest.raises(HostsFailed, match="no route"):
            read()
    assert len(asked) == 1
    assert (
        live.return_paths(samples.inventory(tmp_path), ("acme.example",), replace(tools(), senders=read))
        == {}
    )
