"""`dem`: list servers that come, grow, are kept safe, and go; their hosts are in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioner.adapters import dem_hosts
from provisioner.adapters.dem_files import DemFiles
from provisioner.adapters.inventory_files import load
from provisioner.adapters.ssh import Outcome, SshError
from provisioner.cli import dem_check, dem_create, fleet, wiring
from provisioner.core.answers import Outcome as Answered
from provisioner.core.errors import CheckFailed, HostsFailed
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Host
from tests import samples
from tests.fakes import FakePublisher
from tests.unit.cli.running import Run

ARCHIVE = b"everything of acme's list server" * 1000


class Hosts:
    """List servers as their own tool shows them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Any] = {
            "status": {
                "software": "sympa", "version": "6.2.74", "site": "news.acme.example", "lists": ["news"],
                "subscribers": 12, "queue": 3, "certificate_days": 90, "paused": False,
            },
            "lists": [{"name": "news", "subscribers": 12}],
            "upgrade": {"from": "6.2.74", "to": "6.2.76", "downtime_seconds": 4.2},
            "restore": {"software": "sympa", "version": "6.2.76", "subscribers": 12},
        }  # fmt: skip
        self.failing: dict[tuple[str, str], Exception] = {}
        self.files: dict[str, bytes] = {}
        self.damaged = False

    @contextmanager
    def talking(self, host: Host, told: Callable[[str], None] | None = None) -> Iterator[_Talk]:
        yield _Talk(self, host)

    def statuses(self, hosts: list[Host]) -> list[Outcome[dict[str, Any]]]:
        return [
            Outcome(host, error=self.failing[host.name, "status"])  # type: ignore[arg-type]
            if (host.name, "status") in self.failing
            else Outcome(host, value=self.answers["status"])
            for host in hosts
        ]


class _Talk:
    def __init__(self, hosts: Hosts, host: Host) -> None:
        self._hosts, self._host = hosts, host

    def ask(self, verb: str, *arguments: str, question: object = None) -> Any:
        self._hosts.asked.append((self._host.name, verb, question))
        failure = self._hosts.failing.get((self._host.name, verb))
        if failure is not None:
            raise failure
        if verb == "backup":
            self._hosts.files[arguments[0]] = ARCHIVE
            return {
                "file": arguments[0],
                "sha256": hashlib.sha256(ARCHIVE).hexdigest(),
                "bytes": len(ARCHIVE),
            }
        if verb == "restore":
            assert self._hosts.files[arguments[0]] == ARCHIVE
        return self._hosts.answers[verb]

    @contextmanager
    def transfer(self, ending: str = ".tar") -> Iterator[str]:
        yield f"/root/transfer{ending}"
        self._hosts.files.clear()

    def put(self, file: Path, remote: str) -> None:
        self._hosts.files[remote] = file.read_bytes()

    def fetch(self, remote: str, to: Path, passed: Callable[[int], None]) -> str:
        content = self._hosts.files[remote][: 100 if self._hosts.damaged else None]
        to.write_bytes(content)
        passed(len(content))
        return hashlib.sha256(content).hexdigest()


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    found = Hosts()
    monkeypatch.setattr(dem_hosts, "talking", found.talking)
    monkeypatch.setattr(dem_hosts, "statuses", found.statuses)
    return found


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The deployments that were begun: limit and playbook."""
    begun: list[tuple[str, str]] = []
    monkeypatch.setattr(
        fleet, "run", lambda root, options, progress: begun.append((options.limit, options.playbook))
    )
    return begun


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> FakePublisher:
    publisher = FakePublisher()
    monkeypatch.setattr(wiring, "publisher", lambda inventory: publisher)
    return publisher


CREATE = ("dem", "create", "acme", "--site", "news.acme.example", "--address", "192.0.2.71")
FLEET = ("--certificate", "fleet")


@pytest.fixture
def made(run: Run, hosts: Hosts, deployed: list[tuple[str, str]], dns: FakePublisher) -> Run:
    """An inventory in which acme has a list server."""
    told = run(*CREATE, *FLEET)
    assert told.code == 0, told.err
    return run


def test_a_list_server_is_created(
    run: Run, deployed: list[tuple[str, str]], dns: FakePublisher, hosts: Hosts
) -> None:
    told = run(*CREATE, *FLEET)
    assert told.code == 0, told.err
    inventory = load(run.root)
    server = inventory.dem_server("acme")
    assert server is not None
    assert (server.host, server.domain, server.admin) == ("dem1", "acme.example", "postmaster@acme.example")
    assert server.language == "en"
    assert deployed == [("dem1", "dem")]
    assert ("news.acme.example", "A", "192.0.2.71") in {(r.name, r.type, r.value) for r in dns.records}
    customer = inventory.customer("acme")
    assert customer is not None
    account = customer.account("acme-dem")
    assert account is not None
    assert (account.plan, account.return_tag) == ("dem", server.return_tag)
    assert b"acme-dem" in run.push.bundles[-1].frontend["passwd"]
    passwords = DemFiles(run.root).passwords("dem1")
    assert set(passwords) == {"account", "admin", "database"}
    assert passwords["admin"] in told.out
    everything = b"".join(samples.snapshot(run.root).values())
    assert not any(each.encode() in everything for each in passwords.values())
    assert "Not tested" in told.err


def test_the_same_again_completes_it(
    run: Run, hosts: Hosts, dns: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise HostsFailed("dem1 did not answer")

    monkeypatch.setattr(fleet, "run", fails)
    assert run(*CREATE, *FLEET).code == 3
    before = samples.snapshot(run.root)
    begun: list[str] = []
    monkeypatch.setattr(fleet, "run", lambda root, options, progress: begun.append(options.limit))
    told = run(*CREATE, *FLEET)
    assert told.code == 0, told.err
    assert samples.snapshot(run.root) == before
    assert begun == ["dem1"]
    assert DemFiles(run.root).passwords("dem1")["admin"] in told.out


def test_a_run_that_was_stopped_before_its_host_was_entered(
    run: Run,
    hosts: Hosts,
    dns: FakePublisher,
    deployed: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:

        @contextmanager
        def killed(self: DemFiles, host: str, customer: str) -> Iterator[None]:
            yield

        def stops(self: DemFiles, name: str, address: object) -> None:
            raise HostsFailed("power failed")

        patched.setattr(DemFiles, "unchanged_on_error", killed)
        patched.setattr(DemFiles, "add_host", stops)
        assert run(*CREATE, *FLEET).code == 3
    assert load(run.root).dem == ()
    assert run(*CREATE, *FLEET).code == 0
    (server,) = load(run.root).dem
    assert (server.host, server.account) == ("dem1", "acme-dem")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "nobody", "--site", "news.acme.example"), "no customer 'nobody'"),
        (("create", "acme", "--site", "news.globex.example"), "belongs to another customer, 'globex'"),
        (("create", "acme", "--site", "news.other.example"), "in none of the domains of 'acme'"),
        (("create", "acme", "--site", "news.acme.example", "--domain", "globex.example"), "another customer"),
        (("create", "acme", "--site", "news.acme.example"), "needs an address"),
        (("create", "acme", "--site", "news.acme.example", "--address", "192.0.2.21"), "is taken, by fe1"),
        (("create", "acme", "--site", "news.acme.example", "--address", "here"), "is not an IP address"),
        (("create", "acme", "--site", "news.acme.example", "--host", "be1", "--address", "192.0.2.71"),
         "a host 'be1' already"),
        (("create", "acme", "--site", "news.acme.example", "--host", "-x-", "--address", "192.0.2.71"),
         "is not a name"),
        (("create", "acme", "--site", "news.acme.example", "--address", "192.0.2.71",
           "--software", "phplist"),
         "phplist needs"),
        (("create", "acme", "--site", "news.acme.example", "--address", "192.0.2.71",
           "--certificate", "given"),
         "needs dem_certificate_chain"),
        (("show", "acme"), "acme has no list server"),
        (("upgrade",), "Name a customer"),
    ],
)  # fmt: skip
def test_what_can_not_be_changes_nothing(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]], arguments: tuple[str, ...], told: str
) -> None:
    before = samples.snapshot(run.root)
    found = run("dem", *arguments)
    assert found.code == 2
    assert told in found.err
    assert samples.snapshot(run.root) == before
    assert deployed == []


def test_an_archive_with_another_checksum(
    run: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive = tmp_path_factory.mktemp("archive") / "phplist.tgz"
    archive.write_bytes(b"not what was asked for")
    wanted = ("--software", "phplist", "--archive", str(archive), "--sha256", "0" * 64)
    before = samples.snapshot(run.root)
    found = run(*CREATE, *wanted)
    assert found.code == 2
    assert hashlib.sha256(b"not what was asked for").hexdigest() in found.err
    assert samples.snapshot(run.root) == before


def test_a_check_changes_nothing(run: Run, hosts: Hosts, deployed: list[tuple[str, str]]) -> None:
    before = samples.snapshot(run.root)
    facts = run(*CREATE, *FLEET, "--check", "--json").json
    assert isinstance(facts, dict)
    assert (facts["host"], facts["account"], facts["new"]) == ("dem1", "acme-dem", True)
    assert samples.snapshot(run.root) == before
    assert deployed == []


def test_another_wish_for_the_same_customer(made: Run) -> None:
    again = made(*CREATE[:4], "shop.acme.example", *CREATE[5:])
    assert again.code == 2
    assert "site news.acme.example, not shop.acme.example" in again.err


def test_an_inventory_that_would_not_load_is_put_back(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]]
) -> None:
    before = samples.snapshot(run.root)
    refused = run(*CREATE, *FLEET, "--host", "dem-")
    assert refused.code == 2
    assert "is not a host name" in refused.err
    assert samples.snapshot(run.root) == before


def test_a_certificate_that_can_not_be_had_yet(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]], dns: FakePublisher
) -> None:
    refused = run(*CREATE)
    assert refused.code == 1
    assert "does not lead to 192.0.2.71 yet" in refused.err
    assert deployed == []
    run.dns.set("news.acme.example", "A", "192.0.2.71")
    assert run(*CREATE).code == 0
    assert deployed == [("dem1", "dem")]
    assert run.dns.lookup("x.example", "A").outcome is not Answered.FOUND


def test_without_a_primary_it_says_what_to_publish(
    run: Run, hosts: Hosts, deployed: list[tuple[str, str]]
) -> None:
    told = run(*CREATE, *FLEET)
    assert told.code == 0
    assert "To be published by whoever has the zone: news.acme.example A 192.0.2.71" in told.out


def test_in_a_lab_its_machine_is_made_and_tested(
    run: Run,
    hosts: Hosts,
    deployed: list[tuple[str, str]],
    dns: FakePublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (run.root / "lab.yml").write_text("name: l\nnetwork: 192.0.2.0/24\nresolver: 192.0.2.61\n")
    up: list[frozenset[str]] = []
    monkeypatch.setattr(dem_create, "EmbeddedLab", lambda path, limit: limit)
    monkeypatch.setattr(dem_create, "make_machines", lambda machine, *_: up.append(machine))
    status = Status.PASS
    monkeypatch.setattr(
        dem_check, "judged", lambda *_: (Finding("opt-in", "a@b.example", status, "as it should be"),)
    )
    told = run("dem", "create", "acme", "--site", "news.acme.example", "--json")
    assert told.code == 0, told.err
    facts = told.json
    assert isinstance(facts, dict)
    assert (facts["address"], facts["findings"][0]["id"]) == ("192.0.2.71", "opt-in")
    assert up == [frozenset({"dem1"})]
    (server,) = load(run.root).dem
    assert server.certificate.value == "fleet"
    status = Status.FAIL
    failed = run("dem", "create", "acme", "--site", "news.acme.example")
    assert failed.code == 1
    assert "Not right: opt-in" in failed.err
    assert facts["admin_password"] in failed.out


def test_list_servers_are_listed_and_shown(made: Run, hosts: Hosts) -> None:
    listed = made("dem", "list")
    assert listed.code == 0
    assert "sympa 6.2.74" in listed.out
    shown = made("dem", "show", "acme", "--json").json
    assert isinstance(shown, dict)
    assert (shown["host"], shown["lists"][0]["name"]) == ("dem1", "news")
    host = load(made.root).host("dem1")
    assert host is not None
    hosts.failing["dem1", "status"] = SshError(host, "no answer over SSH in time")
    silent = made("dem", "list", "--json")
    assert silent.code == 3
    facts = json.loads(silent.out)
    assert facts[0]["error"] == "no answer over SSH in time"


def second(made: Run) -> None:
    wanted = ("--site", "news.globex.example", "--address", "192.0.2.72", *FLEET)
    assert made("dem", "create", "globex", *wanted).code == 0


def test_an_upgrade(made: Run, hosts: Hosts) -> None:
    told = made("dem", "upgrade", "acme", "--json").json
    assert told == {
        "upgraded": [
            {"customer": "acme", "host": "dem1", "before": "6.2.74", "now": "6.2.76", "downtime_seconds": 4.2,
             "error": ""}
        ],
        "left": [],
    }  # fmt: skip
    assert ("dem1", "upgrade", {}) in hosts.asked


def test_an_upgrade_of_all_stops_at_the_first_that_fails(made: Run, hosts: Hosts) -> None:
    second(made)
    hosts.failing["dem1", "upgrade"] = CheckFailed("dem1: upgrade: the migration broke")
    hosts.asked.clear()
    told = made("dem", "upgrade", "--all")
    assert told.code == 1
    assert "not begun: dem2" in told.err
    assert not [each for each in hosts.asked if each[0] == "dem2"]
    assert "the migration broke" in told.out
    del hosts.failing["dem1", "upgrade"]
    hosts.asked.clear()
    assert made("dem", "upgrade", "--all").code == 0
    assert [host for host, verb, _ in hosts.asked if verb == "upgrade"] == ["dem1", "dem2"]


def test_an_upgrade_with_an_archive(
    run: Run,
    hosts: Hosts,
    deployed: list[tuple[str, str]],
    dns: FakePublisher,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("archives")
    sums = {}
    for name in ("old.tar.gz", "new.tar.gz"):
        (folder / name).write_bytes(name.encode())
        sums[name] = hashlib.sha256(name.encode()).hexdigest()
    wanted = (
        "--software",
        "phplist",
        "--archive",
        str(folder / "old.tar.gz"),
        "--sha256",
        sums["old.tar.gz"],
    )
    assert run(*CREATE, *FLEET, *wanted).code == 0
    assert run("dem", "upgrade", "acme").code == 2
    to = ("--archive", str(folder / "new.tar.gz"))
    assert run("dem", "upgrade", "acme", *to, "--sha256", sums["old.tar.gz"]).code == 2
    assert run("dem", "upgrade", "acme", *to, "--sha256", sums["new.tar.gz"]).code == 0
    question = {"archive": "/root/transfer.tar.gz", "sha256": sums["new.tar.gz"]}
    assert ("dem1", "upgrade", question) in hosts.asked
    (server,) = load(run.root).dem
    assert (server.archive, server.archive_sha256) == (str(folder / "new.tar.gz"), sums["new.tar.gz"])


def test_a_backup_goes_to_a_folder_and_back(
    made: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    kept = made("dem", "backup", "acme", "--to", str(folder), "--json").json
    assert isinstance(kept, dict)
    archive = Path(kept["place"])
    assert (archive.parent, archive.read_bytes()) == (folder, ARCHIVE)
    assert {each.name for each in folder.iterdir()} == {archive.name, f"{archive.name}.sha256"}
    assert made("dem", "restore", "acme", str(archive), "--check").code == 0
    told = made("dem", "restore", "acme", str(archive), "--yes")
    assert told.code == 0, told.err
    assert "12 subscribers" in told.out


def test_a_damaged_backup_is_not_restored(
    made: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    kept = made("dem", "backup", "acme", "--to", str(folder), "--json").json
    assert isinstance(kept, dict)
    Path(kept["place"]).write_bytes(ARCHIVE[:-1])
    hosts.asked.clear()
    told = made("dem", "restore", "acme", kept["place"], "--yes")
    assert (told.code, "is damaged" in told.err) == (2, True)
    assert hosts.asked == []


def test_a_backup_that_comes_damaged_is_none(
    made: Run, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    hosts.damaged = True
    assert made("dem", "backup", "acme", "--to", str(folder)).code == 1
    assert list(folder.iterdir()) == []


def test_a_list_server_is_removed_with_a_last_backup(
    made: Run, hosts: Hosts, dns: FakePublisher, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backups")
    before = samples.snapshot(made.root)
    assert made("dem", "remove", "acme", "--yes").code == 2
    hosts.failing["dem1", "backup"] = CheckFailed("no space left")
    assert made("dem", "remove", "acme", "--yes", "--to", str(folder)).code == 1
    assert samples.snapshot(made.root) == before
    del hosts.failing["dem1", "backup"]
    told = made("dem", "remove", "acme", "--yes", "--to", str(folder))
    assert told.code == 0, told.err
    assert len(list(folder.iterdir())) == 2
    inventory = load(made.root)
    customer = inventory.customer("acme")
    assert customer is not None
    assert (inventory.dem, inventory.host("dem1"), customer.logins) == ((), None, ("acme-shop", "acme-web"))
    assert not (made.root / "host_vars/dem1").exists()
    assert (made.root / "hosts.yml").read_text() == f"{samples.HOSTS}    dem: {{}}\n"
    assert b"acme-dem" not in made.push.bundles[-1].frontend["passwd"]
    assert dns.records == []
    assert "take it away on your platform" in told.out


def test_a_customer_with_a_list_server_stays(made: Run) -> None:
    refused = made("customer", "remove", "acme", "--yes")
    assert (refused.code, "dem remove acme" in refused.err) == (2, True)
    refused = made("customer", "rotate-password", "acme", "--login", "acme-dem")
    assert (refused.code, "dem_secrets.yml" in refused.err) == (2, True)


def test_a_platform_that_is_not_ours_resizes_itself(made: Run) -> None:
    refused = made("dem", "resize", "acme", "--memory", "2g")
    assert (refused.code, "only that can make it larger" in refused.err) == (2, True)


def test_a_test_outside_a_lab_needs_a_mailbox(made: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    refused = made("dem", "check", "acme")
    assert (refused.code, "--maildir FOLDER" in refused.err) == (2, True)
    folder = tmp_path_factory.mktemp("mail")
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir()
    refused = made("dem", "check", "acme", "--maildir", str(folder), "--address", "nobody")
    assert (refused.code, "--address" in refused.err) == (2, True)


def test_what_a_test_finds_is_shown_and_counts(made: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("scanner", "news.acme.example", Status.PASS, "0 subscriptions changed")]
    monkeypatch.setattr(dem_check, "judged", lambda *_: tuple(found))
    assert made("dem", "check", "acme").code == 0
    found.append(
        Finding("complaint", "a@b.example", Status.FAIL, "subscribed still", expected="unsubscribed")
    )
    told = made("dem", "check", "acme", "--json")
    assert told.code == 1
    assert [each["status"] for each in json.loads(told.out)] == ["pass", "fail"]
    assert "Not right: complaint" in told.err


def test_a_server_that_is_not_well_is_told_of(made: Run, hosts: Hosts) -> None:
    hosts.answers["status"]["wrong"] = "the web site answers 502"
    told = made("dem", "list")
    assert told.code == 1
    assert "dem1: the web site answers 502" in told.err
    assert "the web site answers 502" in made("dem", "show", "acme").out
