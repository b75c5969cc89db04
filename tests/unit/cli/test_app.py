from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dns.exception
import dns.query
import pytest

from provisioner.cli import app as cli
from provisioner.cli import output, wiring
from provisioner.cli.commands import MODULES, Commands
from provisioner.core.errors import HostsFailed
from provisioner.core.usage import Ban
from tests import samples
from tests.unit.cli.running import Run


def test_a_customer_is_added_shown_and_removed(run: Run) -> None:
    added = run("customer", "add", "new", "--domain", "new.example", "--contact", "a@new.example")
    assert added.code == 0
    password = added.out.split("password  ")[1].split()[0]
    assert len(password) >= 24
    assert "fe1" in added.out
    assert run.push.hosts == ["fe1", "fe2", "be1", "be2"]
    assert not any(password.encode() in content for content in samples.snapshot(run.root).values())
    assert "new.example" in run("customer", "list").out
    assert password not in run("customer", "show", "new").out
    removed = run("customer", "remove", "new", "--yes")
    assert removed.code == 0
    assert "customers/new.yml" in removed.out
    assert run("customer", "show", "new").code == 2


def test_customers_as_json(run: Run) -> None:
    added = run("customer", "add", "new", "--domain", "new.example", "--contact", "a@new.example", "--json")
    facts = added.json
    assert isinstance(facts, dict)
    assert (facts["name"], facts["login"], facts["plan"]) == ("new", "new", "base")
    listed = run("customer", "list", "--json").json
    assert isinstance(listed, list)
    assert [item["name"] for item in listed] == ["acme", "globex", "new"]
    assert samples.HASH not in run("customer", "show", "acme", "--json").out


def test_support_sees_who_is_banned_and_why(run: Run) -> None:
    run.bans = (Ban("acme", "203.0.113.7", 10, 841), Ban("acme", "*", 50, 60))
    said = " ".join(run("customer", "show", "acme").out.split())
    assert "203.0.113.7 may not log in to acme for 15 min more: 10 failed passwords" in said
    assert "sources that were never used for it may not log in to acme for 1 min more" in said
    shown = run("customer", "show", "acme", "--json").json
    assert isinstance(shown, dict)
    assert shown["bans"][0] == {"login": "acme", "source": "203.0.113.7", "failures": 10, "seconds": 841}


def test_a_push_that_fails_ends_with_3_after_the_password(run: Run) -> None:
    run.push.broken = ("be1",)
    added = run("customer", "add", "new", "--domain", "new.example", "--contact", "a@new.example")
    assert added.code == 3
    assert "password  " in added.out
    assert "be1: no answer" in added.err
    assert "provisioner customer push" in added.err
    run.push.broken = ()
    assert run("customer", "push").code == 0


def test_removing_asks_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", lambda _: False)
    before = samples.snapshot(run.root)
    refused = run("customer", "remove", "acme")
    assert refused.code == 2
    assert "customers/acme.yml" in refused.out
    assert samples.snapshot(run.root) == before


def test_dns_verify_says_what_to_do(run: Run) -> None:
    found = run("dns", "verify", "globex.example")
    assert found.code == 1
    assert 'Publish: globex.example TXT "v=spf1 include:_spf.operator.example ~all"' in found.out
    facts = run("dns", "verify", "--fleet", "--json").json
    assert isinstance(facts, dict)
    assert facts["status"] == "fail"


@pytest.mark.parametrize(
    "arguments",
    [("dns", "show"), ("dns", "show", "acme.example", "--fleet"), ("dns", "publish", "acme.example"),
     ("dkim", "generate", "x"), ("nonsense",), ("customer", "add"), ("dns", "show", "nobody.example")],
)  # fmt: skip
def test_wrong_usage_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    before = samples.snapshot(run.root)
    assert run(*arguments).code == 2
    assert samples.snapshot(run.root) == before


def test_every_fault_is_printed_with_file_and_line(run: Run) -> None:
    samples.write(
        run.root,
        acme=samples.ACME.replace("plan: base", "plam: base"),
        hosts=samples.HOSTS.replace("192.0.2.22", "192.0.2.21"),
        password="",
    )
    before = samples.snapshot(run.root)
    wrong = run("customer", "add", "new", "--domain", "new.example", "--contact", "a@new.example")
    assert wrong.code == 2
    assert wrong.out == ""
    assert "3 faults; nothing was changed" in wrong.err
    assert f"{run.root}/customers/acme.yml:4: unknown key 'plam'\n    Did you mean 'plan'?" in wrong.err
    assert f"{run.root}/hosts.yml:10: host 'fe2' has the address" in wrong.err
    assert f"{run.root}/.vault-password: the vault password is empty" in wrong.err
    assert samples.snapshot(run.root) == before


def test_an_interrupt_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("provisioner.adapters.inventory_files.load", interrupted)
    stopped = run("customer", "list")
    assert stopped.code == 130
    assert "Interrupted" in stopped.err
    assert "Traceback" not in stopped.err


def _silence(*_: object, **__: object) -> None:
    raise dns.exception.Timeout


def test_secrets_are_made_by_one_call(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wiring.ensure_secrets(run.root).made
    assert made
    assert wiring.ensure_secrets(run.root).made == ()
    monkeypatch.setattr(dns.query, "udp_with_fallback", _silence)
    published = run("dns", "publish", "--fleet")
    # A primary that keeps silent is a failure that is told, not a traceback.
    assert published.code == 1
    assert "Traceback" not in published.err


def test_no_colours_in_a_pipe(tmp_path: Path) -> None:
    samples.write(tmp_path)
    command = [sys.executable, "-m", "provisioner", "-i", str(tmp_path), "customer", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "acme" in done.stdout
    assert "\x1b" not in done.stdout


def test_version_and_help(run: Run) -> None:
    assert run("--version").out.startswith("provisioner ")
    assert "customer" in run("--help").out
    assert cli.INTERRUPTED == 130


def test_markup_in_messages_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.error(HostsFailed("[bold]fe1[/bold] [/]", hint="[x]"))
    assert "[bold]fe1[/bold] [/]" in capsys.readouterr().err


def test_commands_take_no_secret_as_an_argument() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", "customer", "add", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--password" not in done.stdout


def imported(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    ask = f"""
import sys
from provisioner.cli.app import main
sys.argv[1:] = {list(arguments)}
try:
    main()
finally:
    print("imported", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.rpartition("imported")[2].split())


def test_a_command_imports_its_own_modules_alone() -> None:
    loaded = imported("suppression", "list", "--help")
    assert "provisioner.cli.suppression" in loaded
    others = {f"provisioner.cli.{name}" for name in ("customer_gate", "dem_check", "dns_verify", "fleet")}
    assert not loaded & others


def test_a_command_of_a_group_imports_no_modules_after_its_own(tmp_path: Path) -> None:
    samples.write(tmp_path)
    loaded = imported("-i", str(tmp_path), "customer", "suspend", "acme", "--reason", "x", "--no-push")
    assert "provisioner.cli.customer_change" in loaded
    # What asks name servers, renders pages or opens vaults takes longer than most commands.
    assert not loaded & {"provisioner.cli.customer_sheet", "dns", "jinja2", "ansible"}
    assert "provisioner.cli.customer_usage" in imported("customer", "--help")
    assert "provisioner.cli.customer_usage" in imported("customer", "usage", "--help")


def test_help_and_completion_import_no_command_and_say_what_each_says_itself() -> None:
    loaded = imported("--help")
    assert not {f"provisioner.cli.{module}" for modules in MODULES.values() for module in modules} & loaded
    root = Commands()
    for name in MODULES:
        unopened = root.get_command(None, name)
        assert unopened.opened().help.partition("\n")[0] == unopened.help


def test_a_shell_completes_commands_of_a_group() -> None:
    asked = {"COMP_WORDS": "provisioner customer su", "COMP_CWORD": "2"}
    program = "import sys; sys.argv[0] = 'provisioner'; from provisioner.cli.app import main; main()"
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command,
        env=os.environ | asked | {"_PROVISIONER_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["suspend"]
