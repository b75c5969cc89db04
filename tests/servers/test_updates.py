"""Updates as BIND and Knot take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.adapters import dkim_keys
from provisioner.adapters.blocking import Blocking
from provisioner.adapters.dns_update import DnsUpdater
from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import OneServer
from provisioner.core.dkim import Algorithm
from provisioner.core.publishing import PublishStatus
from provisioner.core.records import Record, Zone
from tests.dns_server import free_port
from tests.servers.daemon import HERE
from tests.servers.nameservers import FOREIGN, KINDS, OTHER, SECRET, ZONE, NameServer

MANY = 600


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NameServer]:
    running = NameServer(request.param, tmp_path, HERE, free_port())
    yield running
    running.stop()


def updater(
    server: NameServer, name: str = "provisioner", secret: str = SECRET, **more: object
) -> DnsUpdater:
    options = {"key_name": name, "algorithm": "hmac-sha256", "secret": secret, "ttl": 5, "port": server.port}
    return DnsUpdater(server.address, **(options | more))  # type: ignore[arg-type]


def values(server: NameServer, name: str, kind: str = "TXT") -> tuple[str, ...]:
    return Blocking(OneServer(server.address, Wire(port=server.port))).lookup(name, kind).values


def txt(name: str, value: str) -> Record:
    return Record(f"{name}.{ZONE}", "TXT", value, Zone.OPERATOR, "dkim")


def statuses(results: list) -> list[PublishStatus]:  # type: ignore[type-arg]
    return [result.status for result in results]


def test_a_record_comes_changes_and_goes(server: NameServer) -> None:
    key = f"v=DKIM1; k=rsa; p={dkim_keys.generate(Algorithm.RSA, 4096)[0]}"
    at = updater(server)
    assert statuses(at.publish([txt("s1", key), txt("e1", "v=DKIM1; p=")])) == [PublishStatus.PUBLISHED] * 2
    assert values(server, f"s1.{ZONE}") == (key,)
    assert statuses(at.publish([txt("s1", key), txt("e1", "other")])) == [
        PublishStatus.UNCHANGED,
        PublishStatus.PUBLISHED,
    ]
    assert values(server, f"e1.{ZONE}") == ("other",)
    assert statuses(at.withdraw([txt("s1", key), txt("never", "there")])) == [PublishStatus.PUBLISHED] * 2
    assert (values(server, f"s1.{ZONE}"), values(server, f"e1.{ZONE}")) == ((), ("other",))


def test_names_of_a_list_server_go_unless_they_lead_elsewhere_by_now(server: NameServer) -> None:
    names = ("still", "moved", "never")
    gone = [Record(f"{name}.{ZONE}", "A", "192.0.2.71", Zone.CUSTOMER, "dem-site") for name in names]
    at = updater(server)
    at.publish([gone[0], replace(gone[1], value="192.0.2.99")])
    results = at.withdraw(gone)
    assert statuses(results) == [PublishStatus.PUBLISHED, PublishStatus.UNCHANGED, PublishStatus.PUBLISHED]
    assert results[1].message == "it says 192.0.2.99 by now"
    assert [values(server, each.name, "A") for each in gone] == [(), ("192.0.2.99",), ()]


def test_many_at_once(server: NameServer) -> None:
    """More than one message holds."""
    records = [txt(f"s1.d{number}", f"v=DKIM1; k=rsa; p={'A' * 392}{number}") for number in range(MANY)]
    at = updater(server)
    assert statuses(at.publish(records)) == [PublishStatus.PUBLISHED] * MANY
    assert statuses(at.publish(records)) == [PublishStatus.UNCHANGED] * MANY
    assert values(server, f"s1.d{MANY - 1}.{ZONE}") == (records[-1].value,)
    assert statuses(at.withdraw(records)) == [PublishStatus.PUBLISHED] * MANY
    assert values(server, f"s1.d0.{ZONE}") == ()


def test_a_cname_is_not_put_beside_other_records(server: NameServer) -> None:
    at = updater(server)
    at.publish([txt("busy", "here")])
    (result,) = at.publish([Record(f"busy.{ZONE}", "CNAME", "elsewhere.example", Zone.OPERATOR, "x")])
    assert result.status is PublishStatus.CONFLICT
    assert values(server, f"busy.{ZONE}") == ("here",)


def test_zones_that_are_not_ours(server: NameServer) -> None:
    closed = Record(f"x.{FOREIGN}", "TXT", "no", Zone.OPERATOR, "x")
    nowhere = Record("x.unknown.example", "TXT", "no", Zone.OPERATOR, "x")
    results = updater(server).publish([closed, nowhere, txt("ours", "yes")])
    assert statuses(results) == [PublishStatus.NOT_OURS, PublishStatus.NOT_OURS, PublishStatus.PUBLISHED]
    assert "takes no updates" in results[0].message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret": OTHER}, "does not accept the TSIG key provisioner (PeerBadSignature)"),
        ({"name": "nobody"}, "with the key nobody"),
        (
            {"name": "stranger", "secret": OTHER},
            "takes no updates of dkim.operator.example with",
        ),
    ],
)
def test_a_tsig_key_that_is_refused(server: NameServer, changes: dict[str, str], said: str) -> None:
    at = updater(server, **changes)
    (result,) = at.publish([txt("s1", "x")])
    assert not result.ok
    assert said in result.message
    assert said in at.obstacle(f"s1.{ZONE}")
    assert values(server, f"s1.{ZONE}") == ()


def test_whether_it_would_take_a_change_is_asked_without_one(server: NameServer) -> None:
    at = updater(server)
    at.publish([txt("there", "x")])
    serial = values(server, ZONE, "SOA")
    assert [at.obstacle(f"{name}.{ZONE}") for name in ("there", "new")] == ["", ""]
    assert values(server, f"there.{ZONE}") == ("x",)
    assert values(server, ZONE, "SOA") == serial
    assert "takes no updates" in at.obstacle(f"x.{FOREIGN}")
    assert "the zone is not there" in at.obstacle("x.unknown.example")


def test_a_server_that_is_gone(server: NameServer) -> None:
    at = updater(server, timeout=0.5)
    server.stop()
    (result,) = at.publish([txt("s1", "x")])
    assert at.obstacle(f"s1.{ZONE}")
    assert result.status is PublishStatus.FAILED
