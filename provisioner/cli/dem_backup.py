"""`provisioner dem backup|restore`: all of a list server in one archive, in a folder or by restic."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from provisioner.adapters import archives, dem_hosts
from provisioner.adapters.restic import Restic
from provisioner.cli import output, wiring
from provisioner.cli.dem import Check, Json, Name, app, found
from provisioner.core.dem import DemServer
from provisioner.core.errors import CheckFailed, UsageError
from provisioner.core.fleet import Host

RESTIC = "restic:"
PasswordFile = Annotated[Path | None, typer.Option(help="A file with the restic repository's password.")]
_SUM = ".sha256"


@dataclass(frozen=True)
class Kept:
    """A backup: where it is, its SHA-256, how large."""

    place: str
    sha256: str
    bytes: int


Place = Path | Restic


@app.command()
def backup(
    ctx: typer.Context,
    name: Name,
    to: Annotated[str, typer.Option(help="A folder, or restic:REPOSITORY.")],
    password_file: PasswordFile = None,
    check: Check = False,
    json: Json = False,
) -> None:
    """Back up a list server: database, settings, data, each with its SHA-256; read again once it is there."""
    _, server, host = found(ctx, name)
    target = place(to, password_file)
    if check:
        output.say(f"{server.host} would be backed up to {to}")
        return
    kept = run(server, host, target, quiet=json)
    if json:
        output.as_json(kept)


@app.command()
def restore(
    ctx: typer.Context,
    name: Name,
    file: Annotated[str, typer.Argument(help="An archive, or restic:REPOSITORY for the newest there.")],
    password_file: PasswordFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    check: Check = False,
    json: Json = False,
) -> None:
    """Put a backup back onto a list server, as a rule a fresh one; what is there now is replaced.

    The archive is looked through as a whole before anything changes.
    """
    _, server, host = found(ctx, name)
    with _local(file, server, password_file) as archive:
        sha256 = _sound(archive)
        if check:
            output.say(f"{file} is whole (SHA-256 {sha256}); {server.host} would be restored from it")
            return
        if not yes and not typer.confirm(f"Replace everything on {server.host} by {file}?"):
            raise UsageError(f"{server.host} was left as it is")
        with (
            dem_hosts.talking(host, lambda line: output.note(f"  {line}")) as talk,
            talk.transfer() as remote,
        ):
            talk.put(archive, remote)
            answer = talk.ask("restore", remote)
    if json:
        output.as_json(answer)
        return
    output.say(
        f"{server.host} has {answer['software']} {answer['version']} with {answer['subscribers']} subscribers"
    )
    if answer.get("held"):
        output.say(
            "Campaigns are held back: one was under way when the backup was made, and readers may have got it"
            f" since. 'provisioner dem resume {name} --reason …' sends what is left of it, to these too"
        )


def place(to: str, password_file: Path | None) -> Place:
    """Where backups go, made ready. Raises UsageError when it does not open."""
    if to.startswith(RESTIC):
        repository = Restic(to.removeprefix(RESTIC), password_file)
        repository.require()
        return repository
    folder = Path(to).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="Make it first, where only you may read")
    return folder


def run(server: DemServer, host: Host, to: Place, *, quiet: bool = False) -> Kept:
    """Take a backup and read it again from where it was put. Raises CheckFailed when it is not the same."""
    name = f"{server.customer}-{server.host}-{wiring.now():%Y%m%dT%H%M%SZ}.tar"
    with _folder(to) as folder:
        file = folder / f".{name}.part"
        try:
            kept = _fetched(host, file, quiet=quiet)
            kept = _stored(file, folder / name, kept, to, server)
        finally:
            file.unlink(missing_ok=True)
    if not quiet:
        output.say(f"{kept.place}: {kept.bytes:,} bytes, SHA-256 {kept.sha256}")
    return kept


def _fetched(host: Host, file: Path, *, quiet: bool) -> Kept:
    with (
        dem_hosts.talking(host, None if quiet else lambda line: output.note(f"  {line}")) as talk,
        talk.transfer() as remote,
    ):
        answer = talk.ask("backup", remote)
        with _bar(int(answer["bytes"]), quiet=quiet) as passed:
            sha256 = talk.fetch(remote, file, passed)
    if sha256 != answer["sha256"]:
        raise CheckFailed(f"{host.name}: the backup came with SHA-256 {sha256}, not {answer['sha256']}")
    return Kept(str(file), sha256, int(answer["bytes"]))


def _stored(file: Path, final: Path, kept: Kept, to: Place, server: DemServer) -> Kept:
    """Give it its name once it is whole, or to restic; and read it again there."""
    if isinstance(to, Restic):
        snapshot = to.save(file, final.name, [f"customer={server.customer}", f"sha256={kept.sha256}"])
        seen, where = to.load(snapshot, f"/{final.name}"), f"snapshot {snapshot[:8]}"
    else:
        (final.parent / f"{final.name}{_SUM}").write_text(f"{kept.sha256}  {final.name}\n")
        file.replace(final)
        seen, where = archives.sha256(final), str(final)
    if seen != kept.sha256:
        raise CheckFailed(f"{where} reads as SHA-256 {seen}, not {kept.sha256}")
    return Kept(where, kept.sha256, kept.bytes)


@contextmanager
def _folder(to: Place) -> Iterator[Path]:
    if isinstance(to, Path):
        yield to
        return
    with tempfile.TemporaryDirectory(prefix="provisioner-dem-") as folder:
        yield Path(folder)


@contextmanager
def _local(file: str, server: DemServer, password_file: Path | None) -> Iterator[Path]:
    """The archive as a file of this machine; of a repository the newest of this customer's."""
    if not file.startswith(RESTIC):
        yield Path(file).expanduser()
        return
    repository = Restic(file.removeprefix(RESTIC), password_file)
    snapshot, path = repository.latest([f"customer={server.customer}"])
    with tempfile.TemporaryDirectory(prefix="provisioner-dem-") as folder:
        target = Path(folder) / Path(path).name
        repository.load(snapshot, path, target)
        yield target


def _sound(archive: Path) -> str:
    """The archive's SHA-256, which has to be the one beside it, if there is one. Raises UsageError."""
    sha256 = archives.sha256(archive)
    beside = archive.parent / f"{archive.name}{_SUM}"
    if beside.exists() and beside.read_text().split()[:1] != [sha256]:
        raise UsageError(f"{archive} is damaged: its SHA-256 is {sha256}, not what {beside.name} says")
    return sha256


@contextmanager
def _bar(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("Copying"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    err = output.console(stderr=True)
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bars:
        row = bars.add_task("Copying", total=total)
        yield lambda done: bars.update(row, completed=done)
