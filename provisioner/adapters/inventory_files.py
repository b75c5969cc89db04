"""An inventory directory on disk: which one, and from its files to a valid `Inventory` or every fault."""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import provisioner
from provisioner.adapters import vault
from provisioner.adapters.validated_cache import ValidatedCache
from provisioner.adapters.yaml_files import YamlError, locate, parse
from provisioner.core.documents import Document, Documents, Problem
from provisioner.core.errors import Fault, InventoryError, UsageError
from provisioner.core.fleet import Inventory
from provisioner.core.validation import build

VARIABLE = "PROVISIONER_INVENTORY"
HOSTS, FLEET, SECRETS = "hosts.yml", "group_vars/all/fleet.yml", "group_vars/all/secrets.yml"
PLANS = "plans.yml"
_OPENS = "opens with the vault password"
_YAML_ENDINGS = {".yml", ".yaml", ""}


def find(option: Path | None = None) -> Path:
    """The inventory's directory: the option, $PROVISIONER_INVENTORY, else the project's lab. Absolute."""
    given = option or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    path = given or Path(provisioner.__file__).parent.parent / "inventories" / "lab"
    path = path.expanduser().absolute()
    return path.parent if path.name == HOSTS else path


def load(path: Path, *, keys: bool = True) -> Inventory:
    """Read and validate a whole inventory; changes nothing. Raises InventoryError with every fault in it.

    keys: False leaves the keys out.
    """
    if not path.is_dir():
        raise UsageError(
            f"There is no inventory at {path}",
            hint="Name one with -i or PROVISIONER_INVENTORY, or make one with 'provisioner init PATH'",
        )
    with _no_collection():
        cache = ValidatedCache(path)
        reader = _Reader(path, cache)
        built = build(reader.documents(keys=keys))
        locked_out = list(_vault_faults(path, cache))
        if keys:
            cache.keep({**built.valid, **({} if locked_out else {SECRETS: _OPENS})})
    # A file that could not be read at all has its own fault; what follows from its absence is noise.
    problems = [problem for problem in built.problems if problem.file not in reader.unreadable]
    faults = [*reader.faults, *(reader.fault(problem) for problem in problems), *locked_out]
    if faults or built.inventory is None:
        raise InventoryError(faults)
    return built.inventory


def faults(path: Path, judge: Callable[[Documents], Iterable[Problem]]) -> list[Fault]:
    """What `judge` finds wrong in an inventory's files, keys left out; what can't be read is none of it."""
    reader = _Reader(path, ValidatedCache(path))
    return [reader.fault(problem) for problem in judge(reader.documents(keys=False))]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing that an inventory is made of is garbage: to look for some would take a third of the time.

    Nor is it looked for in the first one later, whatever else becomes garbage; those that a long run loads
    after it are too many to keep.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        if collecting:
            gc.enable()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other commands from changing the same folder meanwhile; they wait. Leaves no file behind."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


_WHOLLY_ENCRYPTED = object()
"""Stands for what a file says that Ansible Vault encrypts as a whole."""


class _Reader:
    """Reads files, collects the faults of those it cannot read, finds the lines of problems in others."""

    def __init__(self, path: Path, cache: ValidatedCache) -> None:
        self._path = path
        self._cache = cache
        self.faults: list[Fault] = []
        self.unreadable: set[str] = set()
        self._encrypted: set[str] = set()

    def documents(self, *, keys: bool) -> Documents:
        read = Documents(
            path=self._path,
            fleet=self._needed(FLEET),
            hosts=self._needed(HOSTS),
            group_vars=self._variables("group_vars"),
            host_vars=self._variables("host_vars"),
            plans=self._read(PLANS) if (self._path / PLANS).exists() else None,
            customers=self._folder("customers"),
            keys=self._folder("keys") if keys else (),
        )
        return replace(read, encrypted=frozenset(self._encrypted))

    def fault(self, problem: Problem) -> Fault:
        try:
            line = locate((self._path / problem.file).read_text(encoding="utf-8"), problem.path)
        except (OSError, UnicodeDecodeError):
            line = None
        return Fault(shown(self._path / problem.file), line, problem.message, problem.hint)

    def _broken(self, file: str, line: int | None, message: str, hint: str = "") -> None:
        self.unreadable.add(file)
        self.faults.append(Fault(shown(self._path / file), line, message, hint))

    def _read(self, file: str, entry: os.DirEntry[str] | None = None) -> Document | None:
        try:
            held = self._cache.holds(file, entry.stat()) if entry else None
            if held is not None:
                return Document(file, None, held)
            data = _parsed(self._path / file)
            if data is not _WHOLLY_ENCRYPTED:
                return Document(file, data)
            self._encrypted.add(file)
        except OSError as error:
            self._broken(file, None, f"cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            self._broken(file, None, "is not UTF-8 text")
        except YamlError as error:
            self._broken(file, error.line, str(error))
        return None

    def _needed(self, file: str) -> Document:
        if not (self._path / file).exists():
            self._broken(
                file, None, "is missing", "Every inventory has one; 'provisioner init' explains each"
            )
            return Document(file, {})
        return self._read(file) or Document(file, {})

    def _folder(self, name: str) -> tuple[Document, ...]:
        """The documents in a folder; of those found right before, and the same still, what they hold."""
        documents: list[Document | None] = []
        for entry in _scan(self._path / name):
            file = f"{name}/{entry.name}"
            if not entry.name.endswith(".yml") or not entry.is_file():
                self._broken(file, None, "is not read, because it is not a .yml file", "Rename or remove it")
                continue
            documents.append(self._read(file, entry))
        return tuple(document for document in documents if document is not None)

    def _variables(self, folder: str) -> dict[str, tuple[Document, ...]]:
        """`folder/<name>.yml` and `folder/<name>/*.yml`, as Ansible finds them; not the encrypted ones."""
        found: dict[str, tuple[Document, ...]] = {}
        for entry in _entries(self._path / folder):
            inside = _entries(entry) if entry.is_dir() else [entry]
            files = [str(file.relative_to(self._path)) for file in inside if file.suffix in _YAML_ENDINGS]
            read = [self._read(file) for file in files if (self._path / file).is_file()]
            name = entry.name if entry.is_dir() else entry.stem
            found[name] = found.get(name, ()) + tuple(document for document in read if document is not None)
        return found


def _parsed(path: Path) -> object:
    content = path.read_bytes()
    return _WHOLLY_ENCRYPTED if vault.is_encrypted(content) else parse(content.decode("utf-8"))


def _entries(folder: Path) -> list[Path]:
    return [folder / entry.name for entry in _scan(folder)]


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder by name, but for hidden files; nothing when there is no such folder."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(
            (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
        )


def _vault_faults(path: Path, cache: ValidatedCache) -> Iterator[Fault]:
    """Whether the vault password is there and opens the inventory, wherever there is something to open."""
    secrets = path / SECRETS
    has_secrets = secrets.exists() or any(_entries(path / "keys")) or any(_entries(path / "secrets"))
    file = vault.password_file(path)
    if not has_secrets and not file.exists() and file == path / vault.DEFAULT_FILE:
        return
    try:
        # Both as they were when the one opened the other: to find out again takes longer than all else.
        known = secrets.exists() and file.exists() and not vault.is_program(file)
        if known and cache.holds(SECRETS, secrets.stat(), file.stat()) == _OPENS:
            return
        opened = vault.open_vault(path)
        if secrets.exists():
            opened.decrypt(secrets.read_bytes(), shown(secrets))
    except vault.VaultError as error:
        culprit = shown(Path(error.file))
        yield Fault(culprit, None, error.message.removeprefix(f"{culprit} "), error.hint)
    except OSError as error:
        yield Fault(shown(secrets), None, f"cannot be read: {error.strerror}")


def shown(path: Path) -> str:
    """A path as a person at this shell would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
