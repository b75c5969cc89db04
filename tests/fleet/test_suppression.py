"""Recipients on a suppression list: refused at both frontends, within a second, for that customer alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from provisioner.adapters.submission import Refused
from tests.fleet.fleet import Account, Fleet, eventually, mail

MANY = 20_000
FRESH = 1.1
"""Seconds after which the first entry of a list counts everywhere."""


def test_who_is_on_the_list_gets_no_mail_and_the_others_do(
    fleet: Fleet, sender: Account, since: float
) -> None:
    gone, here = f"gone-{time.time_ns()}@gmail.test", "here@gmail.test"
    with fleet.session(sender) as session:  # one that was there before
        fleet.done("suppression", "add", sender.customer, gone.upper(), "--reason", "complaint")
        time.sleep(FRESH)
        with pytest.raises(Refused, match=f"suppression list of {sender.customer}: complaint on ") as refused:
            session.send(f"bounce@{sender.domain}", [gone], mail(sender.domain, [gone]))
        assert (refused.value.code, refused.value.stage) == (550, f"recipient {gone}")
        message = mail(sender.domain, [here])
        session.send(f"bounce@{sender.domain}", [here], message)
        fleet.done("suppression", "remove", sender.customer, gone)
        back = mail(sender.domain, [gone])
        session.send(f"bounce@{sender.domain}", [gone], back)
    fleet.arrived(message["Message-ID"], since)
    fleet.arrived(back["Message-ID"], since)


def test_a_long_list_is_imported_and_exported_whole(fleet: Fleet, sender: Account, tmp_path: Path) -> None:
    file, back = tmp_path / "in.csv", tmp_path / "out.csv"
    mark = time.time_ns()
    file.write_text("address,reason\n" + "".join(f"r{n}-{mark}@yahoo.test,bounce\n" for n in range(MANY)))
    begun = time.monotonic()
    assert f"{MANY} added" in fleet.done("suppression", "import", sender.customer, str(file))
    print(f"{MANY} addresses imported in {time.monotonic() - begun:.1f} s")
    assert "0 added" in fleet.done("suppression", "import", sender.customer, str(file))
    fleet.done("suppression", "export", sender.customer, "--to", str(back))
    assert sum(str(mark) in line for line in back.read_text().splitlines()) == MANY
    with fleet.session(sender) as session, pytest.raises(Refused, match="bounce on "):
        session.send(
            f"bounce@{sender.domain}", [f"r7-{mark}@yahoo.test"], mail(sender.domain, ["r7@yahoo.test"])
        )


def test_whose_mailbox_is_gone_is_put_on_the_list(fleet: Fleet, sender: Account) -> None:
    gone = f"gone-{time.time_ns()}@libero.test"
    with fleet.behaviour(gone, "reject"), fleet.session(sender) as session:
        session.send(f"bounce@{sender.domain}", [gone], mail(sender.domain, [gone]))

        def collected() -> bool:
            return gone in fleet.done("suppression", "collect", sender.customer, "--hours", "1")

        eventually(collected, f"{gone} in what backends found")
        time.sleep(FRESH)
        with pytest.raises(Refused, match=r"suppression list of .*: bounce on .*5\.1\.1"):
            session.send(f"bounce@{sender.domain}", [gone], mail(sender.domain, [gone]))
    fleet.done("suppression", "remove", sender.customer, gone)
    assert " 0 added" in fleet.done("suppression", "collect", sender.customer, "--hours", "1")
