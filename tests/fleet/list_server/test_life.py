"""A list server: tested as its readers use it, reported, kept, renewed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from provisioner.adapters.lab import EmbeddedLab
from tests.fleet.fleet import LAB, Fleet
from tests.fleet.list_server.conftest import ListServer

READERS = 300
"""Of the campaign; `dem check` has 1,000 by itself, see docs/dem-cli.md for what was measured with them."""
CAST = 6
"""Who is on the list besides: five who behave in their own way, and who subscribed by the form."""
LIST = "provisioner-check"


def test_readers_scanners_and_bounces_are_treated_well(fleet: Fleet, server: ListServer) -> None:
    result = fleet.cli("dem", "check", server.customer, "--readers", str(READERS), "--json")
    found = {each["id"]: each["status"] for each in json.loads(result.stdout)}
    assert set(found.values()) == {"pass"}, result.stdout + result.stderr
    assert result.returncode == 0
    assert {"scanner", "one-click", "bounce-later", "complaint", "remaining"} <= found.keys()


def test_the_campaigns_report_counts_everybody(fleet: Fleet, server: ListServer, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    told = json.loads(fleet.done("dem", "report", server.customer, "--html", str(page), "--json"))
    total, campaign = told["total"], told["campaign"]
    assert total["recipients"] == campaign["recipients"] == READERS + CAST
    assert total["delivered"] == READERS + CAST - 2
    assert (total["bounced"]["hard"], total["bounced"]["full"]) == (1, 1)
    # The test took who complained, and whose server returned the mail, off the suppression list at its end.
    assert (told["complaints"], told["unsubscribed"]) == (0, 1)
    assert "gmail.test" in page.read_text()


def test_the_fleet_takes_its_bounces(fleet: Fleet, server: ListServer) -> None:
    told = json.loads(fleet.cli("dns", "verify", "--fleet", "--live", "--json").stdout)
    found = told["reports"]["the fleet"]
    taken = {each["subject"] for each in found if (each["id"], each["status"]) == ("bounce-mailbox", "pass")}
    account = server.told["account"]
    (path,) = [each for each in taken if not each.startswith("postmaster@")]
    assert path.startswith(f"{account}.probe.")


def test_a_backup_brings_back_what_was_lost(fleet: Fleet, server: ListServer, tmp_path: Path) -> None:
    kept = json.loads(fleet.done("dem", "backup", server.customer, "--to", str(tmp_path), "--json"))

    def readers() -> int:
        return int(json.loads(fleet.done("dem", "show", server.customer, "--json"))["status"]["subscribers"])

    before = readers()
    there = json.loads(fleet.shell(server.told["host"], f"provisioner-dem subscribers {LIST}"))
    question = json.dumps({"list": LIST, "email": there[0]["email"]})
    fleet.shell(server.told["host"], f"echo '{question}' | provisioner-dem unsubscribe")
    assert readers() == before - 1
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(Path(kept["place"]).read_bytes()[:-20_000])
    result = fleet.cli("dem", "restore", server.customer, str(damaged), "--yes")
    assert (result.returncode, readers()) == (1, before - 1), result.stderr
    fleet.done("dem", "restore", server.customer, kept["place"], "--yes")
    assert readers() == before


def test_an_upgrade_to_what_is_there_changes_nothing(fleet: Fleet, server: ListServer) -> None:
    told = json.loads(fleet.done("dem", "upgrade", server.customer, "--no-check", "--json"))
    (done,) = told["upgraded"]
    assert (done["before"], done["downtime_seconds"], done["error"]) == (done["now"], 0.0, "")


def test_making_it_again_leaves_it_as_it_is(fleet: Fleet, server: ListServer) -> None:
    wanted = ("dem", "create", server.customer, "--no-check", "--json", "--site")
    assert json.loads(fleet.done(*wanted, server.site)) == server.told
    taken = fleet.cli(*wanted, f"other.{server.domain}")
    assert taken.returncode == 2
    assert "has a list server already" in taken.stderr


def test_its_machine_gets_more_memory_where_this_one_can_give_it(fleet: Fleet, server: ListServer) -> None:
    result = fleet.cli("dem", "resize", server.customer, "--memory", "3g", "--cpus", "1.5")
    if not fleet.machines.substrate.unified_cgroups:
        assert (result.returncode, "no limits of memory or processors" in result.stderr) == (2, True)
        return
    assert result.returncode == 0, result.stderr
    limits = fleet.shell(server.told["host"], "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max")
    assert limits.split() == [str(3 << 30), "150000", "100000"]


def test_a_fresh_host_gets_the_newest_backup_of_a_repository(
    fleet: Fleet, server: ListServer, tmp_path: Path
) -> None:
    password, repository = tmp_path / "password", f"restic:{tmp_path / 'repository'}"
    password.write_text("a repository's password")
    environment = {
        **os.environ,
        "RESTIC_REPOSITORY": repository.removeprefix("restic:"),
        "RESTIC_PASSWORD_FILE": str(password),
    }
    subprocess.run(["restic", "init", "--quiet"], env=environment, check=True)
    opened = ("--password-file", str(password))

    def readers() -> object:
        return json.loads(fleet.shell(server.told["host"], f"provisioner-dem subscribers {LIST}"))

    before = readers()
    fleet.done("dem", "backup", server.customer, "--to", repository, *opened)
    EmbeddedLab(LAB).destroy([server.told["host"]])
    assert fleet.cli("dem", "show", server.customer).returncode != 0
    fleet.done("dem", "create", server.customer, "--site", server.site, "--no-check", timeout=900)
    assert json.loads(fleet.shell(server.told["host"], "provisioner-dem status"))["subscribers"] == 0
    fleet.done("dem", "restore", server.customer, repository, *opened, "--yes")
    assert readers() == before
    found = json.loads(fleet.cli("dem", "check", server.customer, "--readers", "20", "--json").stdout)
    assert {each["id"] for each in found if each["status"] != "pass"} == set()
