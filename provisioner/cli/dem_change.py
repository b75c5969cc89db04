"""`provisioner dem resize|upgrade|remove`: list servers get larger, newer, or go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from provisioner.adapters import archives, dem_hosts
from provisioner.adapters.dem_files import DemFiles
from provisioner.adapters.lab import EmbeddedLab
from provisioner.cli import dem_backup, dem_check, output, wiring
from provisioner.cli.context import Context, context
from provisioner.cli.dem import Check, Json, Name, app, found
from provisioner.core.dem import DemServer, Software
from provisioner.core.errors import CheckFailed, HostsFailed, UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.publishing import PublishStatus
from provisioner.core.records import Record, host_records, server_records
from provisioner.workflows import dem as workflow
from provisioner.workflows.dem import host_of, server_of

_MEMORY = re.compile(r"([1-9][0-9]*)([mg])")
_LEAST = 512
"""MiB that a list server's machine needs: with less the kernel ends what runs there, init too."""


@dataclass(frozen=True)
class Upgraded:
    """What a server has now, and what it had; error: why it has not what it should."""

    customer: str
    host: str
    before: str
    now: str
    downtime_seconds: float | None = None
    error: str = ""


@app.command()
def resize(
    ctx: typer.Context,
    name: Name,
    memory: Annotated[str, typer.Option(help="As 2g or 1536m; empty leaves it.")] = "",
    cpus: Annotated[float, typer.Option(help="Processors, as 2 or 0.5; 0 leaves them.", min=0)] = 0,
    check: Check = False,
    json: Json = False,
) -> None:
    """Give a running list server more memory or processors, or less: in the lab, whose machines are ours.

    On other platforms only their own tools can; exit code 2 there, with nothing changed. Podman before 5.1
    forgets it when the machine starts anew.
    """
    root = context(ctx)
    _, server, host = found(ctx, name)
    if not DemFiles(root.path).is_lab:
        raise UsageError(
            f"{server.host} is a machine of your platform's: only that can make it larger",
            hint=f"Change it there ({host.address}); the list server takes what it finds when it starts",
        )
    if not memory and not cpus:
        raise UsageError("Nothing to change", hint="--memory 2g, --cpus 2")
    if memory and _mebibytes(memory) < _LEAST:
        raise UsageError(f"--memory {memory}: a list server needs {_LEAST}m")
    told = ", ".join([*([f"memory {memory}"] if memory else []), *([f"{cpus:g} processors"] if cpus else [])])
    if not check:
        EmbeddedLab(root.path, frozenset({server.host})).resize(server.host, memory, cpus)
    if json:
        output.as_json(
            {"host": server.host, "memory": memory or None, "cpus": cpus or None, "changed": not check}
        )
    else:
        output.say(f"{server.host} {'would have' if check else 'has'} {told}")


def _mebibytes(memory: str) -> int:
    size = _MEMORY.fullmatch(memory)
    if size is None:
        raise UsageError(f"--memory {memory!r} is not a size such as 2g or 1536m")
    return int(size[1]) * (1024 if size[2] == "g" else 1)


@app.command()
def upgrade(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The customer.", show_default=False)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every list server, one after the other.")] = False,
    archive: Annotated[str, typer.Option(help="phpList's new archive: a path or an https URL.")] = "",
    sha256: Annotated[str, typer.Option(help="Its SHA-256.")] = "",
    no_check: Annotated[bool, typer.Option("--no-check", help="Leave the test afterwards out.")] = False,
    check: Check = False,
    json: Json = False,
) -> None:
    """Bring a list server's software to a new version; when that fails, everything is as before.

    With --all it stops at the first that fails, and says who has what. Those with phpList need an archive;
    without one they are left as they are.
    """
    root = context(ctx)
    inventory = root.load()
    if bool(name) == all_:
        raise UsageError("Name a customer, or say --all")
    if bool(archive) != bool(sha256):
        raise UsageError("--archive and --sha256 go together")
    servers = inventory.dem if all_ else (server_of(inventory, str(name)),)
    if archive:
        archives.check(archive, sha256.lower())
        archive = archive if "://" in archive else str(Path(archive).expanduser().absolute())
    elif not all_ and servers[0].software is Software.PHPLIST:
        raise UsageError(f"{servers[0].host} has phpList: it needs --archive and --sha256")
    wanted = [each for each in servers if each.software is Software.SYMPA or archive]
    if check:
        for each in servers:
            output.say(f"{each.host} ({each.customer}): {_planned(each, archive)}")
        return
    done = _upgrade_all(root, inventory, wanted, (archive, sha256.lower()), test=not no_check)
    left = [each for each in servers if each.host not in {one.host for one in done}]
    if json:
        output.as_json({"upgraded": done, "left": [each.host for each in left]})
    else:
        _show(done, left)
    if wrong := [each for each in done if each.error]:
        rest = f"; not begun: {', '.join(each.host for each in left)}" if left else ""
        raise CheckFailed(f"{wrong[0].host}: {wrong[0].error}{rest}")


def _planned(server: DemServer, archive: str) -> str:
    if server.software is Software.SYMPA:
        return "sympa, from Debian's packages"
    return f"phplist, from {archive}" if archive else "phplist, left as it is: it needs --archive"


def _upgrade_all(
    root: Context, inventory: Inventory, servers: Sequence[DemServer], to: tuple[str, str], *, test: bool
) -> list[Upgraded]:
    done: list[Upgraded] = []
    for server in servers:
        output.note(f"{server.host} ({server.customer})")
        done.append(_upgrade(root, inventory, server, to if server.software is Software.PHPLIST else None))
        if test and not done[-1].error and DemFiles(root.path).is_lab:
            findings = dem_check.judged(root, server, dem_check.Wish(), output.note)
            done[-1] = _tested(done[-1], findings)
        if done[-1].error:
            break
    return done


def _tested(done: Upgraded, findings: Sequence[Any]) -> Upgraded:
    try:
        dem_check.require(findings)
    except CheckFailed as error:
        return Upgraded(done.customer, done.host, done.before, done.now, done.downtime_seconds, error.message)
    return done


def _upgrade(root: Context, inventory: Inventory, server: DemServer, to: tuple[str, str] | None) -> Upgraded:
    """One server; its settings get the new archive once the server has it."""
    before = "?"
    try:
        with dem_hosts.talking(host_of(inventory, server), lambda line: output.note(f"  {line}")) as talk:
            before = str(talk.ask("status")["version"])
            answer = _with_archive(talk, *to) if to else talk.ask("upgrade", question={})
    except (CheckFailed, HostsFailed) as error:
        said = error.message.removeprefix(f"{server.host}: ")
        return Upgraded(server.customer, server.host, before, before, None, said)
    if to is not None:
        settings = {"archive": to[0], "archive_sha256": to[1]}
        DemFiles(root.path).write_settings(server.model_copy(update=settings))
    seconds = float(answer["downtime_seconds"])
    return Upgraded(server.customer, server.host, str(answer["from"]), str(answer["to"]), seconds)


def _with_archive(talk: dem_hosts.DemHost, archive: str, sha256: str) -> Any:
    if "://" in archive:
        return talk.ask("upgrade", question={"archive": archive, "sha256": sha256})
    with talk.transfer("".join(Path(archive).suffixes[-2:])) as remote:
        talk.put(Path(archive), remote)
        return talk.ask("upgrade", question={"archive": remote, "sha256": sha256})


def _show(done: Sequence[Upgraded], left: Sequence[DemServer]) -> None:
    rows = [
        (
            each.customer,
            each.host,
            each.before,
            each.now,
            f"{each.downtime_seconds:.1f} s" if each.downtime_seconds is not None else "",
            each.error or "done",
        )
        for each in done
    ]
    rows += [(each.customer, each.host, "", "", "", "left as it is") for each in left]
    output.table(("Customer", "Host", "Had", "Has", "Web down", "State"), rows)


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    to: Annotated[str, typer.Option(help="Where its last backup goes: a folder, or restic:REPOSITORY.")] = "",
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Keep nothing of it.")] = False,
    password_file: dem_backup.PasswordFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    check: Check = False,
    json: Json = False,
) -> None:
    """Take a list server away: a last backup, then its account, its host in the inventory, its names in DNS.

    In the lab the machine is destroyed; elsewhere it is the platform's to take away.
    """
    root = context(ctx)
    inventory, server, host = found(ctx, name)
    if bool(to) == no_backup:
        raise UsageError("Say where its last backup goes (--to), or --no-backup")
    place = dem_backup.place(to, password_file) if to else None
    what = f"{server.host} ({host.address}), {server.url}, account {server.account}"
    if check:
        output.say(f"Would be removed: {what}; last backup: {to or 'none'}")
        return
    if not yes and not typer.confirm(f"Remove {what}?"):
        raise UsageError(f"{server.host} was not removed")
    kept = dem_backup.run(server, host, place, quiet=json) if place else None
    # Until the inventory has let go of the server, the same command goes on where this one stopped.
    needed = server_records(inventory.settings, server, host.address)
    _withdraw(inventory, (*needed, *host_records(inventory, host)))
    lab = EmbeddedLab(root.path, frozenset({host.name})) if DemFiles(root.path).is_lab else None
    workflow.leave(wiring.dem_tools(root.path), name)
    if lab is not None:
        lab.destroy([host.name])
    pushed = wiring.push(root.path)
    if json:
        output.as_json({"removed": server.host, "backup": kept})
    else:
        output.say(f"Removed {what}")
        if lab is None:
            output.say(f"The machine {host.address} runs still: take it away on your platform")
    pushed.require_all()


def _withdraw(inventory: Inventory, records: Sequence[Record]) -> None:
    """Take names out of DNS where the operator's primary has them. Raises HostsFailed: it did not let us."""
    try:
        results = wiring.publisher(inventory).withdraw(records)
    except UsageError:
        output.note("Its names in DNS stay: the inventory names no primary that takes updates")
        return
    for each in results:
        if each.status is PublishStatus.NOT_OURS:
            output.note(f"{each.name} {each.type} stays, for whoever has its zone: {each.message}")
        if each.status is PublishStatus.UNCHANGED:
            output.note(f"{each.name} {each.type} stays: {each.message}")
    failed = [each for each in results if each.status is PublishStatus.FAILED]
    if wrong := [f"{each.name} {each.type}: {each.message}" for each in failed]:
        raise HostsFailed(
            f"Names of the list server are still in DNS: {'; '.join(wrong)}",
            hint="Nothing else was taken away; the same command goes on",
        )
