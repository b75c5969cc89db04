from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import dns.name
import dns.rcode
import dns.rdata
import dns.tsig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.adapters.blocking import Blocking, wait
from provisioner.adapters.dns_update import DnsUpdater
from provisioner.adapters.dns_wire import Question, Wire
from provisioner.adapters.resolver import Authorities, OneServer
from provisioner.core.answers import Outcome
from provisioner.core.publishing import PublishStatus
from provisioner.core.records import Record, Zone
from provisioner.core.zone_files import quoted
from tests.dns_server import Dns, free_port, serving

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldCE="
HERE = "127.0.0.1"
LONG = "v=DKIM1; k=rsa; p=" + "A" * 400


@pytest.fixture
def server() -> Iterator[Dns]:
    data = Dns(key=dns.tsig.Key(dns.name.from_text("provisioner"), SECRET, "hmac-sha256"))
    for zone in ("acme.example", "operator.example", "dkim.operator.example", "2.0.192.in-addr.arpa"):
        data.zone(zone)
    with serving(data):
        yield data


def authorities(server: Dns) -> Blocking:
    return Blocking(Authorities(HERE, Wire(port=server.port, timeout=0.5)))


def one_server(server: Dns, timeout: float = 3.0) -> Blocking:
    return Blocking(OneServer(HERE, Wire(port=server.port, timeout=timeout)))


def updater(server: Dns, **changes: object) -> DnsUpdater:
    facts = {"key_name": "provisioner", "algorithm": "hmac-sha256", "secret": SECRET, "ttl": 5}
    options = facts | {"port": server.port, "timeout": 1.0} | changes
    return DnsUpdater(HERE, **options)  # type: ignore[arg-type]


def record(name: str, kind: str, value: str, zone: Zone = Zone.OPERATOR, purpose: str = "x") -> Record:
    return Record(name, kind, value, zone, purpose, "Add it")


def test_answers_keep_what_was_asked(server: Dns) -> None:
    server.add("be1.operator.example", "A", "192.0.2.31", "192.0.2.32")
    server.add("operator.example", "MX", "10 Mail.Operator.example.")
    one = one_server(server)
    found = one.lookup("be1.operator.example", "A")
    assert (found.outcome, found.values) == (Outcome.FOUND, ("192.0.2.31", "192.0.2.32"))
    assert one.lookup("operator.example", "MX").values == ("10 mail.operator.example",)
    assert one.lookup("be1.operator.example", "AAAA").outcome is Outcome.NO_DATA
    assert one.lookup("nobody.operator.example", "A").outcome is Outcome.NO_SUCH_NAME
    assert one.lookup("elsewhere.test", "A").outcome is Outcome.REFUSED


def test_long_text_is_joined_and_fetched_over_tcp(server: Dns) -> None:
    server.add("s1.dkim.operator.example", "TXT", *(quoted(f"{n}{LONG}") for n in range(4)))
    found = one_server(server).lookup("s1.dkim.operator.example", "TXT")
    assert found.values == tuple(f"{n}{LONG}" for n in range(4))


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (dns.rcode.SERVFAIL, Outcome.SERVER_FAILED),
        (dns.rcode.REFUSED, Outcome.REFUSED),
        (None, Outcome.TIMEOUT),
    ],
)
def test_failures_are_kept_apart(server: Dns, failure: dns.rcode.Rcode | None, outcome: Outcome) -> None:
    server.fail["x.acme.example"] = failure
    answers = authorities(server).lookup_all("x.acme.example", "TXT")
    if failure is None:
        assert answers[0].outcome is outcome
    else:
        assert [answer.outcome for answer in answers] == [outcome]


def test_a_resolver_that_is_not_there() -> None:
    found = Blocking(Authorities(HERE, Wire(port=free_port(), timeout=0.2))).lookup_all("acme.example", "TXT")
    assert [answer.outcome for answer in found] == [Outcome.TIMEOUT]
    assert not found[0].certain


def test_every_authoritative_server_is_asked(server: Dns) -> None:
    server.zone("two.example", "ns1.acme.example", "ns2.acme.example")
    server.add("ns2.acme.example", "A", "127.0.0.2")
    server.add("two.example", "TXT", '"hello"')
    found = authorities(server).lookup_all("two.example", "TXT")
    assert [answer.server for answer in found] == [
        "ns1.acme.example (127.0.0.1)",
        "ns2.acme.example (127.0.0.2)",
    ]
    assert found[0].values == ("hello",)
    # Nothing serves UDP at the second address: silence there is doubt, whatever the first one says.
    assert not found[1].certain


def test_a_name_server_without_an_address_is_doubt(server: Dns) -> None:
    server.zone("lost.example", "ns.nowhere.acme.example")
    found = authorities(server).lookup_all("lost.example", "TXT")
    assert [answer.certain for answer in found] == [False]


def test_cnames_are_followed_to_their_own_zones_servers(server: Dns) -> None:
    server.add("s1._domainkey.acme.example", "CNAME", "s1.acme.example.dkim.operator.example.")
    found = authorities(server).lookup_all("s1._domainkey.acme.example", "TXT")
    assert [answer.outcome for answer in found] == [Outcome.NO_SUCH_NAME]
    assert found[0].chain == ("s1.acme.example.dkim.operator.example",)
    server.add("s1.acme.example.dkim.operator.example", "TXT", quoted(LONG))
    found = authorities(server).lookup_all("s1._domainkey.acme.example", "TXT")
    assert found[0].values == (LONG,)
    assert found[0].server == "ns1.acme.example (127.0.0.1), ns1.dkim.operator.example (127.0.0.1)"
    server.fail["s1.acme.example.dkim.operator.example"] = dns.rcode.SERVFAIL
    assert not authorities(server).lookup("s1._domainkey.acme.example", "TXT").certain


def test_an_answer_lives_as_long_as_the_longest_record_on_its_way(server: Dns) -> None:
    server.zone("between.example")
    server.add("s1._domainkey.acme.example", "CNAME", "s1.between.example.", ttl=86_400)
    server.add("s1.between.example", "CNAME", "s1.dkim.operator.example.", ttl=600)
    for answer in authorities(server).lookup_all("s1._domainkey.acme.example", "TXT"):
        assert (answer.outcome, answer.ttl) == (Outcome.NO_SUCH_NAME, 86_400)
    server.add("s1.dkim.operator.example", "TXT", quoted(LONG), ttl=60)
    assert authorities(server).lookup("s1._domainkey.acme.example", "TXT").ttl == 86_400
    assert authorities(server).lookup("s1.between.example", "TXT").ttl == 600
    assert authorities(server).lookup("s1.dkim.operator.example", "TXT").ttl == 60


def test_a_zone_says_for_how_long_there_is_nothing(server: Dns) -> None:
    server.add("acme.example", "SOA", "ns1.acme.example. hostmaster.acme.example. 1 60 60 60 900", ttl=3600)
    for name in ("acme.example", "_domainkey.acme.example"):
        found = authorities(server).lookup(name, "SOA")
        assert (found.zone, found.negative) == ("acme.example", 900)
    server.add("acme.example", "SOA", "ns1.acme.example. hostmaster.acme.example. 1 60 60 60 900", ttl=300)
    assert authorities(server).lookup("acme.example", "SOA").negative == 300


def test_records_are_published_by_zone_in_one_update_each(server: Dns) -> None:
    wanted = [
        record("be1.operator.example", "A", "192.0.2.31"),
        record("be1.operator.example", "A", "192.0.2.32"),
        record("bounce.operator.example", "MX", "10 smtp.operator.example"),
        record("31.2.0.192.in-addr.arpa", "PTR", "be1.operator.example"),
        record("s1.acme.example.dkim.operator.example", "TXT", LONG),
        record("s1._domainkey.acme.example", "CNAME", "s1.acme.example.dkim.operator.example", Zone.CUSTOMER),
    ]
    results = updater(server).publish(wanted)
    assert {result.status for result in results} == {PublishStatus.PUBLISHED}
    assert len(results) == 5
    assert server.updates == 4
    assert server.values("be1.operator.example", "A") == ["192.0.2.31", "192.0.2.32"]
    assert authorities(server).lookup("s1._domainkey.acme.example", "TXT").values == (LONG,)
    again = updater(server).publish(wanted)
    assert {result.status for result in again} == {PublishStatus.UNCHANGED}
    assert server.updates == 4


def test_other_text_records_survive(server: Dns) -> None:
    server.add("acme.example", "TXT", '"site-verification=1"')
    spf = record("acme.example", "TXT", "v=spf1 include:_spf.operator.example ~all", Zone.CUSTOMER, "spf")
    assert updater(server).publish([spf])[0].status is PublishStatus.PUBLISHED
    assert len(server.values("acme.example", "TXT")) == 2
    server.add("acme.example", "TXT", '"v=spf1 mx -all"')
    assert updater(server).publish([spf])[0].status is PublishStatus.CONFLICT
    assert server.values("acme.example", "TXT") == ['"v=spf1 mx -all"']


def test_a_cname_does_not_go_beside_other_records(server: Dns) -> None:
    server.add("s1._domainkey.acme.example", "TXT", '"old key"')
    wanted = record("s1._domainkey.acme.example", "CNAME", "s1.dkim.operator.example", Zone.CUSTOMER)
    result = updater(server).publish([wanted])[0]
    assert result.status is PublishStatus.CONFLICT
    assert "old key" in result.message


def test_zones_of_others_are_left_alone(server: Dns) -> None:
    server.zones.add("example")
    server.add("example", "SOA", "ns1.example. x.example. 1 60 60 60 5")
    server.closed.add("acme.example")
    wanted = [
        record("globex.example", "TXT", "x", Zone.CUSTOMER),
        record("elsewhere.test", "TXT", "x", Zone.CUSTOMER),
        record("acme.example", "TXT", "x", Zone.CUSTOMER),
    ]
    results = updater(server).publish(wanted)
    assert {result.status for result in results} == {PublishStatus.NOT_OURS}
    assert "takes no updates of acme.example" in results[2].message
    assert all(result.ok for result in results)


@pytest.mark.parametrize(
    "changes",
    [
        {"key_name": "stranger"},
        {"secret": "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="},
    ],
)
def test_a_wrong_key_is_told(server: Dns, changes: dict[str, object]) -> None:
    result = updater(server, **changes).publish([record("a.operator.example", "A", "192.0.2.1")])[0]
    assert not result.ok
    assert result.message
    assert server.values("a.operator.example", "A") == []


def test_a_primary_that_is_not_there_or_forgets(server: Dns) -> None:
    wanted = [record("a.operator.example", "A", "192.0.2.1")]
    silent = updater(server, port=free_port(), timeout=0.2).publish(wanted)[0]
    assert silent.status is PublishStatus.FAILED
    server.drop_updates = True
    assert "does not have it" in updater(server).publish(wanted)[0].message


def test_a_secret_that_is_not_base64(server: Dns) -> None:
    with pytest.raises(ValueError, match=r"."):
        updater(server, secret="!")


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=600))
def test_text_is_split_into_strings_of_255(text: str) -> None:
    item = dns.rdata.from_text("IN", "TXT", quoted(text))
    assert b"".join(item.strings).decode() == text  # type: ignore[attr-defined]
    assert all(len(part) <= 255 for part in item.strings)  # type: ignore[attr-defined]


def test_a_silent_server_is_not_waited_for_again_and_again(server: Dns) -> None:
    names = [f"{number}.acme.example" for number in range(20)]
    server.fail |= dict.fromkeys(names)
    wire = Wire(port=server.port, timeout=0.1)
    begun = time.monotonic()
    found = [wait(wire.ask(Question(HERE, name, "A", authority=True))) for name in names]
    assert {answer.outcome for answer in found} == {Outcome.TIMEOUT}
    assert time.monotonic() - begun < 1


def test_a_resolver_that_is_not_there_is_not_waited_for_again_and_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HERE, 0))
        one = Blocking(OneServer(HERE, Wire(port=silent.getsockname()[1], timeout=0.1)))
        begun = time.monotonic()
        assert {one.lookup(f"{n}.acme.example", "A").outcome for n in range(20)} == {Outcome.TIMEOUT}
        assert time.monotonic() - begun < 1.5


def test_a_resolver_silent_about_dead_domains_is_believed_about_others(server: Dns) -> None:
    dead = [f"{number}.acme.example" for number in range(4)]
    server.fail |= dict.fromkeys(dead)
    one = one_server(server, 0.1)
    assert {one.lookup(name, "A").outcome for name in dead} == {Outcome.TIMEOUT}
    assert one.lookup("ns1.acme.example", "A").outcome is Outcome.FOUND


def test_a_silent_server_that_is_back_is_asked_again(server: Dns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.adapters.dns_wire._REST", 0.5)
    names = [f"{number}.acme.example" for number in range(3)]
    server.fail |= dict.fromkeys(names)
    wire = Wire(port=server.port, timeout=0.1, remember=True)

    def ask(name: str) -> Outcome:
        return wait(wire.ask(Question(HERE, name, "A", authority=True))).outcome

    assert {ask(name) for name in names} == {Outcome.TIMEOUT}
    assert ask("ns1.acme.example") is Outcome.TIMEOUT  # left alone for now
    time.sleep(0.5)
    assert ask("ns1.acme.example") is Outcome.FOUND  # and nothing was remembered of it


def test_one_lost_answer_does_not_make_a_server_silent(server: Dns) -> None:
    wire = Wire(port=server.port, timeout=0.1)
    server.fail["x.acme.example"] = None
    for name, outcome in [("x", Outcome.TIMEOUT), ("ns1", Outcome.FOUND)] * 3:
        answer = wait(wire.ask(Question(HERE, f"{name}.acme.example", "A", authority=True)))
        assert answer.outcome is outcome
